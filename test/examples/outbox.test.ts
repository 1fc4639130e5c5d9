// The example outbox: in order, from where it was, and nothing lost.

import fs from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { demonstrate } from '../../scripts/examples/outbox/demo.ts'
import { Outbox } from '../../scripts/examples/outbox/outbox.ts'
import { FAST_ROOT, scratchDirectory } from '../platform/scratch-directory.ts'

test('messages are delivered in the order in which they were sent, and once each while all is well', async (t) => {
  const directory = join(scratchDirectory(t, FAST_ROOT), 'outbox')
  const delivered: string[] = []
  for (const part of ['a', 'b']) {
    const outbox = await Outbox.open<string>(directory, async ({ body }) => {
      delivered.push(body)
    })
    const running = outbox.start()
    for (let i = 0; i < 150; i++) await outbox.send(`${part}${i}`)
    while (outbox.waiting > 0) await new Promise(setImmediate)
    await outbox.close()
    await running
  }
  const expected = ['a', 'b'].flatMap((part) => Array.from({ length: 150 }, (_, i) => part + i))
  t.deepEqual(delivered, expected)
})

test('what was delivered and stored leaves the disk', async (t) => {
  const directory = join(scratchDirectory(t, FAST_ROOT), 'outbox')
  const outbox = await Outbox.open<string>(directory, () => Promise.resolve())
  const body = 'x'.repeat(100_000)
  for (let i = 0; i < 40; i++) await outbox.send(body)
  const sizeOf = (): number => {
    const files = fs.readdirSync(join(directory, 'wal'))
    return files.reduce((sum, name) => sum + fs.statSync(join(directory, 'wal', name)).size, 0)
  }
  t.true(sizeOf() > 4_000_000)
  const running = outbox.start()
  while (outbox.waiting > 0) await new Promise(setImmediate)
  await outbox.close()
  await running
  t.true(sizeOf() < 2_200_000)
})

test('a stored position that a power cut took back does not stop it', async (t) => {
  const directory = join(scratchDirectory(t, FAST_ROOT), 'outbox')
  const delivered: number[] = []
  const deliver = async ({ position }: { readonly position: number }): Promise<void> => {
    delivered.push(position)
  }
  const first = await Outbox.open<string>(directory, deliver)
  const body = 'x'.repeat(100_000)
  for (let i = 0; i < 40; i++) await first.send(body)
  const running = first.start()
  while (first.waiting > 0) await new Promise(setImmediate)
  await first.close()
  await running
  fs.writeFileSync(join(directory, 'delivered'), '1')
  const second = await Outbox.open<string>(directory, deliver)
  t.true(second.delivered > 1)
  await second.send(body)
  const again = second.start()
  while (second.waiting > 0) await new Promise(setImmediate)
  await second.close()
  await again
  t.is(delivered.at(-1), 41)
})

test('a delivery that fails is tried again by the next process, and what follows waits for it', async (t) => {
  const directory = join(scratchDirectory(t, FAST_ROOT), 'outbox')
  const first = await Outbox.open<string>(directory, async ({ body }) => {
    if (body === 'b') throw new Error('not now')
  })
  for (const body of ['a', 'b', 'c']) await first.send(body)
  await t.throwsAsync(first.start(), { message: 'not now' })
  t.is(first.delivered, 1)
  await first.close()
  const delivered: string[] = []
  const second = await Outbox.open<string>(directory, async ({ body }) => {
    delivered.push(body)
  })
  const running = second.start()
  while (second.waiting > 0) await new Promise(setImmediate)
  await second.close()
  await running
  t.deepEqual(delivered, ['b', 'c'])
})

test('after its process was killed every message is delivered in the end', async (t) => {
  const directory = scratchDirectory(t, FAST_ROOT)
  const args = ['--messages', '400', '--callers', '16']
  const outcome = await demonstrate(directory, args, () => undefined)
  t.true(outcome.deliveredBeforeKill >= 200)
  t.is(outcome.neverDelivered, 0)
})
