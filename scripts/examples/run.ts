// `npm run example -- <name>`: runs one of the examples in a directory of its own, and removes it.

import { makeScratchDirectory } from '../scratch.ts'
import { endAllSubprocesses } from '../subprocess.ts'

type Example = (directory: string, args: readonly string[]) => Promise<unknown>

const EXAMPLES: Readonly<Record<string, () => Promise<Example>>> = {
  http: async () => (await import('./http/compare.ts')).compare,
  outbox: async () => (await import('./outbox/demo.ts')).demonstrate,
  queue: async () => (await import('./queue/demo.ts')).demonstrate,
  series: async () => (await import('./series/demo.ts')).demonstrate,
}

const [name = '', ...args] = process.argv.slice(2)
const load = EXAMPLES[name]
if (load === undefined) {
  console.error(`npm run example -- <name>, one of: ${Object.keys(EXAMPLES).join(', ')}`)
  process.exitCode = 2
} else {
  try {
    const example = await load()
    await example(makeScratchDirectory(), args)
  } finally {
    await endAllSubprocesses()
  }
}
