// The option `durability` as a number, at its end. In a file of its own: it looks at the writes of every
// database of the process.

import test from 'ava'
import { DB, SluiceLevel } from '../../ts/index.ts'
import { FAST_ROOT, scratchDirectory } from '../platform/scratch-directory.ts'

test('closing syncs what was written since the last interval', async (t) => {
  const syncs: (boolean | undefined)[] = []
  const write = Reflect.get(DB.prototype, 'write')
  DB.prototype.write = function (batch, options) {
    syncs.push(options?.sync)
    return write.call(this, batch, options)
  }
  t.teardown(() => {
    DB.prototype.write = write
  })
  const db = new SluiceLevel(scratchDirectory(t, FAST_ROOT), { durability: 2 ** 31 - 1 })
  await db.batch([{ type: 'put', key: 'a', value: '1' }])
  t.deepEqual(syncs, [false])
  await db.close()
  t.deepEqual(syncs, [false, true])
  await db.open()
  t.is(await db.get('a'), '1')
  await db.close()
})
