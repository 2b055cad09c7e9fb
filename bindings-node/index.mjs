import tenon from './index.js'

export const { AskError, Server } = tenon
