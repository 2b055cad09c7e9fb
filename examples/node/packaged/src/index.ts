#!/usr/bin/env node
// Runs the server: over stdio, or over HTTP at the address that is given.
import { makeServer } from './server.js'

const http = process.argv[2]
const { url } = await makeServer().listen({ ...(http ? { http } : { stdio: true }), signals: true })
if (url) console.error(`listening ${url}`)
