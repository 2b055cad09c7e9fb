// Tools whose schemas are plain JSON Schema, and those of libraries.
import { toStandardJsonSchema } from '@valibot/to-json-schema'
import { type } from 'arktype'
import { Server } from 'tenon-mcp'
import Type from 'typebox'
import * as v from 'valibot'
import * as z from 'zod'

const app = new Server({ name: 'trips' })

// JSON Schema: arguments are typed by what it says, here { city: string, unit: 'C' | 'F' }.
const place = /** @type {const} */ ({
  type: 'object',
  properties: { city: { type: 'string' }, unit: { enum: ['C', 'F'], default: 'C' } },
  required: ['city']
})
app.tool('weather', { input: place }, ({ city, unit }) => `${city}: 20 °${unit}`)

// zod: what JSON Schema cannot say is said by a refinement, and a transform makes a Date of the text.
const trip = z
  .object({ from: z.string(), to: z.string().trim(), day: z.iso.date().transform((day) => new Date(day)) })
  .refine(({ from, to }) => from !== to, { path: ['to'], message: 'is where the trip begins' })
const booked = z.object({ id: z.number(), weekday: z.string(), seats: z.number().default(1) })
const weekday = new Intl.DateTimeFormat('en', { weekday: 'long', timeZone: 'UTC' })
app.tool('book', { input: trip, output: booked }, ({ day }) => ({ id: 1, weekday: weekday.format(day) }))

// Valibot says its JSON Schema by a package of its own; ArkType and TypeBox say it themselves.
const seats = v.object({ seats: v.pipe(v.number(), v.integer(), v.maxValue(9)) })
app.tool('seats', { input: toStandardJsonSchema(seats) }, ({ seats }) => seats + 1)
app.tool('cancel', { input: type({ id: 'number.integer > 0' }) }, ({ id }) => `trip ${id} is cancelled`)
app.tool('names', { input: Type.Object({ names: Type.Array(Type.String()) }) }, ({ names }) => names.join(' and '))

// A validator whose JSON Schema has to be said besides.
const even = z.custom((value) => Number.isInteger(value) && Number(value) % 2 === 0, 'must be even')
const inputSchema = { type: 'object', properties: { seats: { type: 'integer' } }, required: ['seats'] }
app.tool('pairs', { input: z.object({ seats: even }), inputSchema }, ({ seats }) => Number(seats) / 2)

await app.listen({ stdio: true, signals: true })
