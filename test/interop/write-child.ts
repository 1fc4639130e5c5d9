// A child that leaves a database without closing it: `write-child.js ours|classic DIRECTORY LAST`.
//
// It writes the calls of leftCalls(), with sync when LAST says so. LAST, when they are acknowledged:
//   exit | exit-synced   the process ends
//   wait                 it says so with one line, and waits for the kill

import { leftCalls } from './left-calls.ts'
import { openStore } from './stores.ts'

const [implementation, directory, last] = process.argv.slice(2)
if (implementation !== 'ours' && implementation !== 'classic') throw new Error('ours or classic?')
if (directory === undefined) throw new Error('which directory?')

const store = await openStore(implementation, directory)
for (const call of leftCalls()) await store.write(call, last === 'exit-synced')
if (last !== 'wait') process.exit(0)
process.stdout.write('written\n')
setInterval(() => undefined, 1000)
