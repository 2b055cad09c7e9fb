// The schema of `echo`, as JSON Schema and in zod.

import { z } from 'zod'

export const schema = {
  type: 'object',
  properties: { text: { type: 'string' } },
  required: ['text'],
  additionalProperties: false
}

export const zodSchema = z.strictObject({ text: z.string() })
