'use strict'

try {
  module.exports = require('./dist/tenon.cjs')
} catch (error) {
  throw require('./unbuilt.cjs')(error)
}
