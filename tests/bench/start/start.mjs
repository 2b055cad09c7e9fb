// What starting any Node program costs: says a word and waits for the end of its input.

import { readSync, writeSync } from 'node:fs'

writeSync(1, 'started\n')
readSync(0, new Uint8Array(1))
