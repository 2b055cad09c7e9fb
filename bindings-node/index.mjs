import tenon from './index.js'

export const { ElicitError, Server } = tenon
