'use strict'

const { AskError } = require('./js/errors')
const { Server } = require('./js/server')

module.exports = { AskError, Server }
