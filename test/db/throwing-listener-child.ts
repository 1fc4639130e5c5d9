// A process whose listener throws at every event.

import { DB } from '../../ts/index.ts'

process.once('uncaughtException', (error) => {
  console.log(`uncaught: ${error.message}`)
})

const db = await DB.open(process.argv[2]!, {
  createIfMissing: true,
  onEvent: () => {
    throw new Error('listener')
  },
})
await db.put(Buffer.from('k'), Buffer.from('v'))
console.log(`value ${(await db.get(Buffer.from('k')))?.toString()}`)
await db.close()
