// A process that writes as fast as it can and exits in the middle of it, without a close.

import { DB } from '../../ts/index.ts'

const [path, mode] = process.argv.slice(2) as [string, string]
const db = await DB.open(path, { createIfMissing: true, writeBufferSize: 64 * 1024 })
const options = { sync: mode === 'sync' }
const value = Buffer.alloc(mode === 'large' ? 70_000 : 100, 0x76)
let called = 0
let acknowledged = 0

function put(): void {
  // In order: writes apply in the order of their calls, so this many are a prefix of them.
  db.put(Buffer.from(`k${called++}`), value, options).then(
    () => {
      acknowledged++
      if (acknowledged === 300) {
        console.log(`acknowledged ${acknowledged}`)
        process.exit(3)
      }
      put()
    },
    (error: unknown) => {
      console.log(String(error))
      process.exit(4)
    },
  )
}

for (let i = 0; i < 40; i++) put()
