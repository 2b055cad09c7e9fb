// Types of the values that schemas describe: schemas of libraries and JSON Schemas.

/**
 * A JSON Schema 2020-12. If it is written in place, or `as const`, handlers get typed arguments from it. The types of TypeBox
 * are JSON Schemas.
 */
export type JsonSchema = object

/**
 * A schema of a library that implements Standard Schema, such as zod 4, Valibot and ArkType. Clients get its JSON Schema, and
 * the engine checks values by it. If the library cannot provide the JSON Schema (`jsonSchema`, Standard JSON Schema), it must
 * be given separately.
 */
export interface StandardSchema<Input = any, Output = Input> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => any
    readonly types?: { readonly input: Input; readonly output: Output } | undefined
    readonly jsonSchema?: {
      readonly input: (options: { readonly target: any }) => Record<string, unknown>
      readonly output?: (options: { readonly target: any }) => Record<string, unknown>
    }
  }
}

/** The type that a handler gets for a schema: the output of its validator, or the values that a JSON Schema allows. */
export type Infer<S> = S extends ZodOutput ? S['_zod']['output'] : S extends Library ? LibraryOutput<S> : FromSchema<S>

/** The type that must be passed for a schema: the input of its validator, or the values that a JSON Schema allows. */
export type Given<S> = S extends ZodInput ? S['_zod']['input'] : S extends Library ? LibraryInput<S> : FromSchema<S>

/** {@link Infer} for arguments: the `default`s of the schema's own properties are filled in. */
export type Arguments<S> = S extends ZodOutput ? S['_zod']['output'] : S extends Library ? LibraryOutput<S> : JsonType<S, true>

/**
 * The type of the values that a JSON Schema allows. It is `any` if the schema says too little (no `type`, or an object without
 * properties), if the compiler does not know it in place, and for references.
 */
export type FromSchema<S> = JsonType<S, false>

interface Library {
  readonly '~standard': { readonly types?: unknown; readonly validate: unknown }
}
// zod also has its types in a member of its own, which takes the compiler half the work.
interface ZodOutput {
  readonly _zod: { readonly output: unknown }
}
interface ZodInput {
  readonly _zod: { readonly input: unknown }
}
type LibraryOutput<S extends Library> = NonNullable<S['~standard']['types']> extends { readonly output: infer O } ? O : any
type LibraryInput<S extends Library> = NonNullable<S['~standard']['types']> extends { readonly input: infer I } ? I : any

// If `D` is true, properties with a default are always present.
type JsonType<S, D> = S extends { readonly params: unknown[]; readonly static: infer T }
  ? T // TypeBox before 1.0 says it itself.
  : S extends boolean
    ? S extends true ? any : never
    : Vague<S> extends true
      ? any
      : S extends { readonly const: infer C }
        ? C
        : S extends { readonly enum: readonly (infer E)[] }
          ? E
          : S extends Combining
            ? Mixed<S, D> extends infer R ? Flat<R> : never
            : S extends Typed
              ? Plain<S, D, any>
              : any

/**
 * Whether a schema says nothing in place: its members or its `type` are any because it comes from elsewhere, or it is a
 * reference.
 */
type Vague<S> = string extends keyof S
  ? true
  : S extends { readonly $ref: unknown }
    ? true
    : S extends { readonly type: infer T }
      ? string extends T ? true : T extends readonly string[] ? string extends T[number] ? true : false : false
      : false

type Combining = { readonly anyOf: unknown } | { readonly oneOf: unknown } | { readonly allOf: unknown }
type Typed = { readonly type: unknown } | { readonly properties: unknown }

/** In a combination, an object without described properties is `object`. `any` would absorb the types of the other parts. */
type Mixed<S, D> = (S extends Typed ? Plain<S, D, object> : unknown) &
  (S extends { readonly anyOf: readonly (infer P)[] } ? Part<P, D> : unknown) &
  (S extends { readonly oneOf: readonly (infer P)[] } ? Part<P, D> : unknown) &
  (S extends { readonly allOf: infer P } ? Every<P, D> : unknown)

/** A part without a type, such as `{ required: […] }`, does not change the others. */
type Part<P, D> = P extends { readonly const: unknown } | { readonly enum: unknown } | { readonly $ref: unknown }
  | { readonly static: unknown } | boolean
  ? JsonType<P, D>
  : P extends Combining
    ? Mixed<P, D>
    : P extends Typed ? string extends keyof P ? any : Plain<P, D, object> : unknown
type Every<P, D> = P extends readonly [infer H, ...infer R] ? Part<H, D> & Every<R, D> : unknown

/** The members of an intersection in one object type, as people would write them; `any` if the whole says too little. */
type Flat<T> = unknown extends T
  ? any
  : T extends readonly unknown[] ? T : T extends object ? keyof T extends never ? any : { [K in keyof T]: T[K] } : T

// `B` is the type of an object that does not describe its properties.
type Plain<S, D, B> = S extends { readonly type: infer T }
  ? T extends readonly (infer N)[] ? Named<N, S, D, B> : Named<T, S, D, B>
  : Members<S, D, B>

type Named<N, S, D, B> = N extends 'string'
  ? string
  : N extends 'number' | 'integer'
    ? number
    : N extends 'boolean'
      ? boolean
      : N extends 'null'
        ? null
        : N extends 'array'
          ? Items<S>
          : N extends 'object'
            ? Members<S, D, B>
            : any

type Items<S> = S extends { readonly prefixItems: infer P extends readonly unknown[] }
  ? Tuple<P, S extends { readonly minItems: infer M } ? M : 0, [], Rest<S, P['length']>>
  : S extends { readonly items: infer I }
    ? I extends readonly unknown[]
      ? Tuple<I, S extends { readonly minItems: infer M } ? M : 0, [], S extends { readonly additionalItems: false } ? [] : any[]>
      : FromSchema<I>[]
    : any[]

/** `minItems` says how many items are always present. */
type Tuple<P extends readonly unknown[], Least, Out extends unknown[], More extends unknown[]> = Out['length'] extends Least
  ? [...Out, ...Partial<{ -readonly [I in keyof P]: FromSchema<P[I]> }>, ...More]
  : P extends readonly [infer H, ...infer R]
    ? Tuple<R, Least, [...Out, FromSchema<H>], More>
    : [...Out, ...More]

type Rest<S, Length> = S extends { readonly items: false } | { readonly maxItems: Length }
  ? []
  : S extends { readonly items: infer I } ? FromSchema<I>[] : any[]

type Members<S, D, B> = S extends { readonly properties: infer P }
  ? Properties<P, Needed<S> | (D extends true ? Defaulted<P> : never)> &
      (S extends { readonly additionalProperties: infer A } ? A extends false ? unknown : { [name: string]: unknown } : unknown) extends infer R
    ? { [K in keyof R]: R[K] }
    : never
  : S extends { readonly additionalProperties: infer A }
    ? A extends false
      ? S extends { readonly patternProperties: infer P } ? { [name: string]: FromSchema<P[keyof P]> } : { [name: string]: never }
      : A extends true ? { [name: string]: any } : { [name: string]: FromSchema<A> }
    : S extends { readonly patternProperties: infer P }
      ? { [name: string]: FromSchema<P[keyof P]> }
      : B

type Needed<S> = S extends { readonly required: readonly (infer R)[] } ? R : never
type Defaulted<P> = { [K in keyof P]: P[K] extends { readonly default: unknown } ? K : never }[keyof P]
type Properties<P, R> = {
  -readonly [K in keyof P as K extends R ? K : never]: FromSchema<P[K]>
} & {
  -readonly [K in keyof P as K extends R ? never : K]?: FromSchema<P[K]>
}
