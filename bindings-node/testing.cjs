'use strict'

module.exports = require('./dist/tenon.cjs').testing()
