// The write queue over a scripted log: who shares a record, in what order things happen, and what
// becomes of a group when one of its steps fails.

import test from 'ava'
import { WriteQueue } from '../../ts/db/write-queue.ts'
import { BatchBuffer } from '../../ts/format/batch.ts'
import { MAX_SEQUENCE } from '../../ts/format/internal-key.ts'
import { ScriptedWrites, turns, Writers } from './scripted-writes.ts'

const LEVELDB_LIMITS = { groupLimitBytes: 1 << 20, smallGroupLimitBytes: 128 << 10 }

interface Scene {
  readonly world: ScriptedWrites
  readonly queue: WriteQueue
  readonly writers: Writers
}

function scene(limits = LEVELDB_LIMITS, nextSequence = 1): Scene {
  const world = new ScriptedWrites()
  const queue = new WriteQueue(world, limits, nextSequence)
  // One record of everything: what the queue does, and whom it wakes.
  return { world, queue, writers: new Writers(queue, world.calls) }
}

/** A scene in which a first group, of the one write 'leader', is in flight. */
async function busy(limits = LEVELDB_LIMITS): Promise<Scene & { readonly all: Promise<void>[] }> {
  const all: Promise<void>[] = []
  const made = scene(limits)
  all.push(made.writers.put('leader'))
  await turns()
  return { ...made, all }
}

function batchOf(...keys: string[]): BatchBuffer {
  const batch = new BatchBuffer()
  for (const key of keys) batch.put(Buffer.from(key), Buffer.from('v'))
  return batch
}

/** Groups as they were appended, the first one left out. */
function followers({ world }: Scene): string[] {
  return world.appended
    .slice(1)
    .map(({ writes, sync }) => `${writes.join(' ')}${sync ? ' synced' : ''}`)
}

async function endAll({ world, queue }: Scene): Promise<void> {
  while (world.waiting.length > 0) await world.end()
  await queue.drained()
}

// ---- Grouping ----

test('writes with sync of one turn share a record, in the order of their calls', async (t) => {
  const { world, writers } = scene()
  const all = [
    writers.put('a', true),
    writers.delete('b', true),
    writers.write('batch', batchOf('c', 'd'), true),
    writers.put('e'),
  ]
  t.deepEqual(world.calls, [])
  await turns()
  t.deepEqual(world.appended, [
    { sequence: 1, count: 5, writes: ['a', '-b', 'c', 'd', 'e'], sync: true },
  ])
  await world.end()
  await Promise.all(all)
  t.deepEqual(
    world.groups.map(({ writers, sync }) => [writers, sync]),
    [[4, true]],
  )
  t.deepEqual(world.visible, ['a', '-b', 'c', 'd', 'e'])
})

test('a write without sync leads at once, and those of the same turn gather behind it', async (t) => {
  for (const appending of ['sync', 'async'] as const) {
    const made = scene()
    const { world, writers } = made
    world.appending = appending
    const all = ['a', 'b', 'c', 'd'].map((key) => writers.put(key))
    t.deepEqual(
      world.appended.map(({ writes }) => writes),
      [['a']],
    )
    await turns()
    await endAll(made)
    await Promise.all(all)
    t.deepEqual(followers(made), ['b c d'])
    t.deepEqual(world.visible, ['a', 'b', 'c', 'd'])
  }
})

test('writes that come while a group is in flight share the next one', async (t) => {
  const busyScene = await busy()
  const { writers, world } = busyScene
  for (const key of ['a', 'b']) busyScene.all.push(writers.put(key))
  await turns()
  busyScene.all.push(writers.put('c'))
  t.is(world.appended.length, 1)
  await endAll(busyScene)
  t.deepEqual(followers(busyScene), ['a b c'])
})

test('a write with sync does not join a group without, and one without joins one with', async (t) => {
  const busyScene = await busy()
  const { writers } = busyScene
  for (const [key, sync] of [
    ['a', false],
    ['b', true],
    ['c', false],
    ['d', true],
    ['e', false],
  ] as const) {
    busyScene.all.push(writers.put(key, sync))
  }
  await endAll(busyScene)
  t.deepEqual(followers(busyScene), ['a', 'b c d e synced'])
})

test('a forced switch stands alone between the groups around it', async (t) => {
  const busyScene = await busy()
  const { writers, world, all } = busyScene
  all.push(
    writers.put('a'),
    writers.switch(),
    writers.put('b'),
    writers.put('c'),
    writers.switch('again'),
  )
  await endAll(busyScene)
  t.deepEqual(followers(busyScene), ['a', 'b c'])
  await Promise.all(all)
  t.deepEqual(
    world.calls.filter((call) => call.endsWith('done')),
    ['leader done', 'a done', 'switch done', 'b done', 'c done', 'again done'],
  )
})

/** Size of the record of a put with a key of one byte, so that its batch has `batchBytes`. */
function valueSizeFor(batchBytes: number): number {
  for (let size = batchBytes - 12 - 1 - 2 - 3; ; size++) {
    const lengthBytes = size < 0x80 ? 1 : size < 0x4000 ? 2 : size < 0x20_0000 ? 3 : 4
    if (12 + 1 + 2 + lengthBytes + size === batchBytes) return size
  }
}

test('a small leader grows by 128 KiB and not by a byte more', async (t) => {
  const first = 1000
  for (const [second, joins] of [
    [128 << 10, true],
    [(128 << 10) + 1, false],
  ] as const) {
    const busyScene = await busy()
    const { writers, all } = busyScene
    all.push(
      writers.put('a', false, valueSizeFor(first)),
      writers.put('b', false, valueSizeFor(second)),
    )
    await endAll(busyScene)
    t.deepEqual(followers(busyScene), joins ? ['a b'] : ['a', 'b'])
  }
})

test('a leader of 128 KiB is small, and one byte more lets the group grow to 1 MiB', async (t) => {
  const mebibyte = 1 << 20
  for (const [first, rest, expected] of [
    [128 << 10, 128 << 10, ['a b']],
    [128 << 10, (128 << 10) + 1, ['a', 'b']],
    [(128 << 10) + 1, mebibyte - (128 << 10) - 1, ['a b']],
    [(128 << 10) + 1, mebibyte - (128 << 10), ['a', 'b']],
  ] as const) {
    const busyScene = await busy()
    const { writers, all } = busyScene
    all.push(
      writers.put('a', false, valueSizeFor(first)),
      writers.put('b', false, valueSizeFor(rest)),
    )
    await endAll(busyScene)
    t.deepEqual(followers(busyScene), [...expected], `${first} and ${rest}`)
  }
})

test('a write above every limit has a group of its own', async (t) => {
  const busyScene = await busy()
  const { writers, all } = busyScene
  all.push(writers.put('a'), writers.put('b', false, 3 << 20), writers.put('c'))
  await endAll(busyScene)
  t.deepEqual(followers(busyScene), ['a', 'b', 'c'])
})

test('nobody overtakes: what does not fit ends the group although smaller ones come after it', async (t) => {
  const busyScene = await busy()
  const { writers, all } = busyScene
  all.push(writers.put('a'), writers.put('b', false, 200 << 10), writers.put('c'), writers.put('d'))
  await endAll(busyScene)
  t.deepEqual(followers(busyScene), ['a', 'b c d'])
})

test("the limits are the options', and every write counts a batch header", async (t) => {
  const limits = { groupLimitBytes: 200, smallGroupLimitBytes: 1000 }
  const busyScene = await busy(limits)
  const { writers, all } = busyScene
  // Each is a batch of 12 + 1 + 2 + 2 = 17 bytes: eleven of them are 187, twelve are 204.
  for (let i = 0; i < 13; i++) all.push(writers.put(String.fromCharCode(97 + i)))
  await endAll(busyScene)
  t.deepEqual(followers(busyScene), ['a b c d e f g h i j k', 'l m'])
})

test("scripted arrivals are grouped as LevelDB's BuildBatchGroup groups them", async (t) => {
  // Sizes of batches in bytes, `s` with sync; and its rules, written down once more.
  const scripts = [
    '100 100 s100 100 200000 100 s100 1100000 5 5',
    's100 100 131000 100 131072 s131073 900000 100000 100',
    '131073 131073 131073 131073 131073 131073 131073 131073 20',
    '50 131072 50 50 s50 s50 50 131080 131000 131000',
  ]
  for (const script of scripts) {
    const arrivals = script.split(' ').map((word, i) => ({
      key: String.fromCharCode(97 + i),
      sync: word.startsWith('s'),
      size: Math.max(17, Number(word.replace('s', ''))),
    }))
    const expected: string[] = []
    for (let i = 0; i < arrivals.length;) {
      const first = arrivals[i]!
      let size = first.size
      const limit = size <= 128 << 10 ? Math.min(1 << 20, size + (128 << 10)) : 1 << 20
      const keys = [first.key]
      for (i++; i < arrivals.length; i++) {
        const next = arrivals[i]!
        if ((next.sync && !first.sync) || size + next.size > limit) break
        size += next.size
        keys.push(next.key)
      }
      expected.push(`${keys.join(' ')}${first.sync ? ' synced' : ''}`)
    }
    const busyScene = await busy()
    for (const { key, sync, size } of arrivals) {
      busyScene.all.push(busyScene.writers.put(key, sync, size === 17 ? 1 : valueSizeFor(size)))
    }
    await endAll(busyScene)
    t.deepEqual(followers(busyScene), expected, script)
  }
})

// ---- Order ----

test('a group is inserted while its append is under way, and published when that has ended', async (t) => {
  const { world, writers } = scene()
  const write = writers.put('a')
  await turns()
  t.deepEqual(world.calls, ['room', 'append a', 'insert 1'])
  t.deepEqual(world.visible, [])
  await world.end()
  await write
  t.deepEqual(world.calls, ['room', 'append a', 'insert 1', 'publish 1', 'a done'])
})

test('the next append begins before the writers of the last group run', async (t) => {
  const busyScene = await busy()
  const { world, writers, all } = busyScene
  all.push(writers.put('a'))
  await world.end()
  t.true(world.calls.indexOf('append a') < world.calls.indexOf('leader done'))
  t.true(world.calls.indexOf('publish 1') < world.calls.indexOf('append a'))
  await endAll(busyScene)
})

test('writers are not kept waiting while the next group waits for room', async (t) => {
  const busyScene = await busy()
  const { world, writers, all } = busyScene
  all.push(writers.put('a'))
  world.room = 'async'
  await world.end()
  t.is(world.calls.at(-1), 'leader done')
  t.is(world.waiting.length, 1)
  world.room = 'sync'
  await endAll(busyScene)
  t.is(world.calls.at(-1), 'a done')
})

test('sequences go on from the last one of the group before, and count every record', async (t) => {
  const { world, queue, writers } = scene(LEVELDB_LIMITS, 100)
  world.appending = 'sync'
  await writers.write('batch', batchOf('a', 'b', 'c'))
  await writers.put('d')
  await writers.write('empty', new BatchBuffer(), true)
  await writers.delete('e')
  t.deepEqual(
    world.appended.map(({ sequence, count }) => [sequence, count]),
    [
      [100, 3],
      [103, 1],
      [104, 0],
      [104, 1],
    ],
  )
  t.is(world.published, 104)
  t.is(queue.nextSequence, 105)
})

test('the batch of a caller is copied', async (t) => {
  const { world, writers } = scene()
  const batch = batchOf('a', 'b')
  const write = writers.write('batch', batch)
  batch.clear()
  batch.put(Buffer.from('other'), Buffer.from('v'))
  await turns()
  await world.end()
  await write
  t.deepEqual(world.visible, ['a', 'b'])
})

test('drained waits for what waits and for what is under way', async (t) => {
  const { world, queue, writers } = scene()
  await queue.drained()
  const all = [writers.put('a'), writers.put('b', true)]
  let isDrained = false
  const drained = queue.drained().then(() => {
    isDrained = true
  })
  await turns()
  await world.end()
  t.false(isDrained)
  await world.end()
  await drained
  t.deepEqual(world.visible, ['a', 'b'])
  await Promise.all(all)
})

test('sequences that are used up refuse the group, and the log is untouched', async (t) => {
  const { world, writers } = scene(LEVELDB_LIMITS, MAX_SEQUENCE - 2)
  world.appending = 'sync'
  await writers.write('three', batchOf('a', 'b', 'c'))
  t.is(world.appended.length, 0)
  t.regex(world.calls.at(-1)!, /^three: /)
  t.is(world.failure, undefined)
  await writers.put('d')
  t.deepEqual(world.visible, ['d'])
})

// ---- Failures ----

test('without room a group is refused, nothing of it happened, and the next is tried', async (t) => {
  for (const room of ['throw', 'reject'] as const) {
    const { world, queue, writers } = scene()
    world.room = room
    world.appending = 'sync'
    await Promise.all([writers.put('a', true), writers.put('b', true)])
    t.deepEqual(world.calls, ['room', 'a: no room', 'b: no room'])
    t.is(queue.nextSequence, 1)
    t.is(world.failure, undefined)
    world.room = 'sync'
    await writers.put('c')
    t.deepEqual(world.visible, ['c'])
  }
})

test('a switch without room is refused alone', async (t) => {
  const { world, writers } = scene()
  world.room = 'reject'
  await writers.switch()
  t.deepEqual(world.calls, ['room, forced', 'switch: no room'])
})

for (const [what, script] of [
  ['throws', (world: ScriptedWrites) => (world.appending = 'throw')],
  ['rejects', (world: ScriptedWrites) => (world.appending = 'reject')],
] as const) {
  test(`an append that ${what} fails its whole group and burns its sequences`, async (t) => {
    const { world, queue, writers } = scene()
    world.appending = 'sync'
    await writers.put('before')
    script(world)
    await Promise.all([
      writers.put('a', true),
      writers.put('b', true),
      writers.write('batch', batchOf('c', 'd'), true),
    ])
    t.deepEqual(world.calls.slice(-4), [
      'fail: no log',
      'a: unknown outcome: no log',
      'b: unknown outcome: no log',
      'batch: unknown outcome: no log',
    ])
    t.deepEqual(world.visible, ['before'])
    t.is(world.published, 1)
    t.is(queue.nextSequence, 6)
    // What comes after it is refused, and takes no sequences.
    await writers.put('after')
    t.is(world.calls.at(-1), 'after: refused: no log')
    t.is(queue.nextSequence, 6)
    t.is(world.appended.length, 2)
  })
}

test('an append that fails late fails its group, and every group behind it is refused in order', async (t) => {
  const busyScene = await busy()
  const { world, writers, all } = busyScene
  all.push(writers.put('a'), writers.put('b', true), writers.switch(), writers.put('c'))
  await world.end(new Error('EIO'))
  await Promise.all(all)
  t.deepEqual(world.calls.slice(3), [
    'fail: EIO',
    'leader: unknown outcome: EIO',
    'a: refused: EIO',
    'b: refused: EIO',
    'switch: refused: EIO',
    'c: refused: EIO',
  ])
  t.is(world.appended.length, 1)
  t.is(world.published, 0)
})

test('the group before one that fails at once is acknowledged first', async (t) => {
  for (const [key, step] of [
    ['appending', 'throw'],
    ['appending', 'reject'],
    ['room', 'throw'],
    ['room', 'reject'],
  ] as const) {
    const busyScene = await busy()
    const { world, writers, all } = busyScene
    all.push(writers.put('a'))
    world[key] = step
    await world.end()
    await Promise.all(all)
    const settled = world.calls.filter((call) => /^(?:leader|a)[: ]/.test(call))
    t.is(settled[0], 'leader done', `${key} ${step}`)
    t.regex(settled[1]!, /^a: /)
  }
})

test('burned sequences are not used again when writes are taken again', async (t) => {
  const { world, queue, writers } = scene()
  world.appending = 'throw'
  await writers.write('batch', batchOf('a', 'b', 'c'))
  t.is(queue.nextSequence, 4)
  world.failure = undefined
  world.appending = 'sync'
  world.inserted.clear()
  await writers.put('d')
  t.deepEqual(
    world.appended.map(({ sequence }) => sequence),
    [1, 4],
  )
  t.deepEqual(world.visible, ['d'])
})

test("an insert that throws is the failure of its group, and of nobody else's turn", async (t) => {
  const { world, queue, writers } = scene()
  world.appending = 'sync'
  world.inserting = 'throw'
  await writers.put('a')
  t.is(world.calls.at(-1), 'a: unknown outcome: no memtable')
  t.is(world.published, 0)
  await writers.put('b')
  t.is(world.calls.at(-1), 'b: refused: no memtable')
  await queue.drained()
})

test('when an insert throws the queue waits for the append that is under way', async (t) => {
  const { world, queue, writers } = scene()
  world.inserting = 'throw'
  const write = writers.put('a')
  let isDrained = false
  const drained = queue.drained().then(() => {
    isDrained = true
  })
  await turns()
  t.false(isDrained)
  await world.end(new Error('EIO'))
  await write
  await drained
  t.is(world.calls.filter((call) => call.startsWith('a')).length, 2) // The append, and one outcome.
})

test('a group in flight does not publish the sequences of a write on the calling thread that failed', async (t) => {
  const { world, queue, all } = await busy()
  world.appendNowError = new Error('ENOSPC')
  t.throws(() => queue.writeSync(batchOf('now'), true), { code: 'LEVEL_IO_ERROR' })
  t.is(queue.nextSequence, 3)
  await world.end()
  await Promise.all(all)
  t.is(world.published, 1)
})

test('a write on the calling thread is synced where a durable one before it is told later', async (t) => {
  const { world, queue, writers } = scene()
  const lastSync = (): boolean => world.appended.at(-1)!.sync
  const inFlight = writers.put('durable', true)
  await turns()
  queue.writeSync(batchOf('behind one in flight'), false)
  t.true(lastSync())
  await world.end()
  await inFlight

  await new Promise((resolve) => setImmediate(resolve))
  queue.writeSync(batchOf('durable itself'), true)
  queue.writeSync(batchOf('behind none'), false)
  t.false(lastSync())

  const waiting = writers.put('durable', true)
  queue.writeSync(batchOf('behind one that waits'), false)
  t.true(lastSync())
  queue.writeSync(batchOf('in the same turn'), false)
  t.true(lastSync())
  await waiting
  await new Promise((resolve) => setImmediate(resolve))
  queue.writeSync(batchOf('behind none'), false)
  t.false(lastSync())
})
