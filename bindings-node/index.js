'use strict'

const { ElicitError } = require('./js/errors')
const { Server } = require('./js/server')

module.exports = { ElicitError, Server }
