// The compactor: when it runs, what becomes of a job that fails, and who waits for whom.

import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { ManualCompaction } from '../../ts/db/manual-compaction.ts'
import { SluiceError } from '../../ts/format/error.ts'
import { tableFileName } from '../../ts/format/file-name.ts'
import { CRASH_POLICIES } from '../crash/crash-image.ts'
import { Random } from '../crash/random.ts'
import { SimulatedDisk } from '../crash/simulated-disk.ts'
import { SEED } from '../format/seed.ts'
import {
  CompactionWorld,
  DIRECTORY,
  Held,
  type Script,
  SMALL_LIMITS,
  turns,
} from './compaction-world.ts'

const b = (text: string): Buffer => Buffer.from(text)

async function opened(...scripts: Script[]): Promise<CompactionWorld> {
  const world = new CompactionWorld(new SimulatedDisk(SEED))
  await world.open()
  world.runner.scripts.push(...scripts)
  return world
}

const diskFull: Script = () => {
  const cause = Object.assign(new Error('no space left'), { code: 'ENOSPC' })
  const place = { file: join(DIRECTORY, '000099.ldb'), cause }
  return Promise.reject(new SluiceError('LEVEL_IO_ERROR', 'write: no space left', place))
}

/** Waits until the job is cancelled, then answers as the worker does. */
const untilCancelled: Script = async ({ control }) => {
  const cells = new Int32Array(control)
  while (cells[0] === 0) await turns(1)
  throw new SluiceError('LEVEL_ABORTED', 'The compaction was cancelled')
}

const damagedFirst: Script = ({ inputs }) => {
  const file = join(DIRECTORY, tableFileName(inputs.flat()[0]!.number))
  const place = { file, offset: 7 }
  return Promise.reject(new SluiceError('LEVEL_CORRUPTION', 'Corruption: block', place))
}

const unreadableFirst: Script = ({ inputs }) => {
  const file = join(DIRECTORY, tableFileName(inputs.flat()[0]!.number))
  return Promise.reject(new SluiceError('LEVEL_IO_ERROR', `read ${file}: EIO`, { file }))
}

const foreign: Script = () =>
  Promise.reject(new SluiceError('LEVEL_NOT_SUPPORTED', 'A block of a newer format'))

const damage: Script = () => Promise.reject(new SluiceError('LEVEL_CORRUPTION', 'bad block'))

const partly: Script = async (job, run) => {
  await run()
  return untilCancelled(job, run)
}

const throwing = (): void => {
  throw new Error('of the caller')
}

/** Everything that tables() wrote is there. */
function holdsTables(t: ExecutionContext, { db }: CompactionWorld, count: number): void {
  t.deepEqual(db.getSync(b('a')), b(`value ${count - 1}`))
  for (let i = 0; i < count; i++) t.deepEqual(db.getSync(b(`b${i}`)), b(`value ${i}`))
}

test('four tables of level 0 become one of level 1, and are removed', async (t) => {
  const world = await opened()
  await world.tables(3)
  await world.idle()
  t.is(world.levels, '3 0 0 0 0 0 0')
  await world.tables(1)
  await world.idle()
  t.is(world.levels, '0 1 0 0 0 0 0')
  const [event, ...others] = world.ofType('compaction')
  t.like(event, { level: 0, moved: false, inputFiles: 4, outputFiles: 1 })
  t.is(others.length, 0)
  t.is(
    event!.readBytes,
    world.runner.jobs[0]!.inputs.flat().reduce((n, f) => n + f.sizeBytes, 0),
  )
  t.deepEqual(world.tablesOnDisk(), world.liveTables())
  t.is(world.tablesOnDisk().length, 1)
  t.like(world.db.stats().compaction, { count: 1, readBytes: event!.readBytes })
  await world.db.close()
  t.true(world.runner.isClosed)
  await world.open()
  t.is(world.levels, '0 1 0 0 0 0 0')
  t.deepEqual(world.db.recovery.movedToLost, [])
  await world.db.close()
})

test('a database that needs a compaction begins it when it is opened', async (t) => {
  const world = await opened(untilCancelled)
  await world.tables(4)
  await world.until('begun', () => world.runner.jobs.length === 1)
  await world.db.close()
  await world.open()
  await world.idle()
  t.is(world.levels, '0 1 0 0 0 0 0')
  holdsTables(t, world, 4)
  await world.db.close()
})

test('tables that overlap nothing go down as they are', async (t) => {
  const world = await opened()
  for (const key of ['a', 'c', 'e', 'g', 'i', 'k']) await world.table([key, `${key}z`])
  await world.idle()
  t.is(world.levels, '3 3 0 0 0 0 0')
  t.deepEqual(
    world.ofType('compaction').map(({ moved, readBytes }) => [moved, readBytes]),
    [
      [true, 0],
      [true, 0],
      [true, 0],
    ],
  )
  t.deepEqual([world.runner.jobs.length, world.db.stats().compaction.trivialMoves], [0, 3])
  t.is(world.tablesOnDisk().length, 6)
  await world.db.close()
})

test('tables of level 0 that do not overlap one another are read one behind the other', async (t) => {
  const world = await opened()
  await world.table(['a', 'b'], 'old')
  await world.table(['c', 'd'], 'old')
  await world.table(['e', 'f'], 'old')
  await world.table(['a', 'c', 'z'], 'new')
  await world.idle()
  t.is(world.levels, '0 1 0 0 0 0 0')
  const runs = world.runner.jobs.map(({ inputs }) => inputs.map(({ length }) => length))
  t.deepEqual(runs, [[1, 3]])
  const values = await world.db.getMany(['a', 'b', 'c', 'd', 'e', 'f', 'z'].map(b))
  t.deepEqual(values, ['new', 'old', 'new', 'old', 'old', 'old', 'new'].map(b))
  await world.db.close()
})

test('no flush waits for a compaction, and what it adds stays newer', async (t) => {
  const held = new Held()
  const world = await opened(held.script)
  await world.tables(4)
  await world.until('held', () => held.isReached)
  await world.table(['a', 'b0'], 'newest')
  t.is(world.levels, '5 0 0 0 0 0 0')
  held.release()
  await world.idle()
  t.is(world.levels, '1 1 0 0 0 0 0')
  t.deepEqual(world.db.getSync(b('a')), b('newest'))
  t.deepEqual(world.db.getSync(b('b0')), b('newest'))
  t.deepEqual(world.db.getSync(b('b1')), b('value 1'))
  await world.db.close()
})

test('a job that fails changes nothing, is told, and is tried again after a wait that doubles', async (t) => {
  const world = await opened(diskFull, diskFull, diskFull)
  await world.tables(4)
  for (const durationMs of [1000, 2000, 4000]) {
    await world.until('a wait', () => world.pauses.at(-1)?.isOver === false)
    t.is(world.pauses.at(-1)!.durationMs, durationMs)
    t.is(world.levels, '4 0 0 0 0 0 0')
    holdsTables(t, world, 4)
    world.pauses.at(-1)!.end()
  }
  await world.idle()
  t.is(world.levels, '0 1 0 0 0 0 0')
  t.deepEqual(
    world
      .ofType('compaction-failed')
      .map(({ level, retryMs, error }) => [level, retryMs, error.code]),
    [
      [0, 1000, 'LEVEL_IO_ERROR'],
      [0, 2000, 'LEVEL_IO_ERROR'],
      [0, 4000, 'LEVEL_IO_ERROR'],
    ],
  )
  t.deepEqual(world.ofType('failure'), [])
  holdsTables(t, world, 4)
  // After a success the waits begin anew.
  world.runner.scripts.push(diskFull)
  await world.tables(4)
  await world.until('a wait', () => world.pauses.at(-1)?.isOver === false)
  t.is(world.pauses.at(-1)!.durationMs, 1000)
  await world.db.close()
})

test('a flush ends the wait after a failed job', async (t) => {
  const world = await opened(diskFull)
  await world.tables(4)
  await world.until('a wait', () => world.pauses.length === 1)
  await world.tables(1)
  await world.idle()
  t.true(world.pauses[0]!.isOver)
  t.is(world.levels, '0 1 0 0 0 0 0')
  await world.db.close()
})

test('what a job that died has written is removed', async (t) => {
  const died: Script = async (job, run) => {
    await run()
    t.true(world.tablesOnDisk().includes(job.outputNumbers[0]!))
    throw new SluiceError('LEVEL_IO_ERROR', 'The worker thread ended')
  }
  const world = await opened(died)
  await world.tables(4)
  await world.until('a wait', () => world.pauses.length === 1)
  t.deepEqual(world.tablesOnDisk(), world.liveTables())
  await world.db.close()
})

test('a damaged table is left alone, and what does not need it is compacted', async (t) => {
  const world = await opened(damagedFirst)
  await world.tables(4)
  await world.until('told', () => world.ofType('compaction-failed').length === 1)
  const [event] = world.ofType('compaction-failed')
  t.is(event!.retryMs, undefined)
  t.like(event!.error, { code: 'LEVEL_CORRUPTION', offset: 7 })
  t.like(world.db.stats().compaction, { failures: 1, refusedTables: 1 })
  // Beside the damaged range, and above the limit of level 0 with it.
  await world.table(['zz', 'zzz'])
  await world.table(['zz', 'zzz'], 'again')
  await world.idle()
  t.is(world.levels, '4 1 0 0 0 0 0')
  t.is(world.runner.jobs.length, 2)
  t.deepEqual(world.pauses, [])
  holdsTables(t, world, 4)
  const error = await t.throwsAsync(world.db.compactRange(b('a'), b('b')))
  t.is(error, event!.error)
  t.is(world.runner.jobs.length, 2, 'nobody reads it once more')
  await world.db.close()
})

test('a table that cannot be read is left alone for a while, and what does not need it is compacted', async (t) => {
  const world = await opened(unreadableFirst)
  await world.tables(4)
  await world.until('told', () => world.ofType('compaction-failed').length === 1)
  t.is(world.ofType('compaction-failed')[0]!.retryMs, 1000)
  await world.until('a wait', () => world.pauses.length === 1)
  // Beside the range of that table, and above the limit of level 0 with it.
  await world.table(['zz', 'zzz'])
  await world.table(['zz', 'zzz'], 'again')
  await world.until('compacted', () => world.levels === '4 1 0 0 0 0 0')
  t.is(world.runner.jobs.length, 2)
  holdsTables(t, world, 4)
  // It cannot be read a second time, and then it can.
  world.runner.scripts.push(unreadableFirst)
  for (const durationMs of [1000, 2000]) {
    await world.until('a wait', () => world.pauses.at(-1)?.isOver === false)
    t.is(world.pauses.at(-1)!.durationMs, durationMs)
    world.nowMs += durationMs
    world.pauses.at(-1)!.end()
    await turns(20)
  }
  await world.until('compacted', () => world.levels === '0 2 0 0 0 0 0')
  t.deepEqual(
    world.ofType('compaction-failed').map(({ retryMs }) => retryMs),
    [1000, 2000],
  )
  t.like(world.db.stats().compaction, { failures: 2, refusedTables: 0 })
  holdsTables(t, world, 4)
  await world.db.close()
})

test('with level 0 full of what cannot be read, writes are refused, and make the next attempt later', async (t) => {
  const world = await opened(...Array.from({ length: 9 }, () => unreadableFirst))
  await world.tables(12)
  await world.db.put(b('still'), b('room'))
  const error = await t.throwsAsync(world.db.flushMemtable(), { code: 'LEVEL_IO_ERROR' })
  t.regex(error.message, /Level 0 is full and its compaction failed: .*EIO/)
  world.runner.scripts.length = 0
  world.nowMs += 1000
  await world.db.flushMemtable()
  await world.idle()
  t.is(world.levels, '1 1 0 0 0 0 0')
  await world.db.close()
})

test('where the error names no input, none of them is tried again', async (t) => {
  const world = await opened(foreign)
  await world.tables(4)
  await world.until('told', () => world.ofType('compaction-failed').length === 1)
  t.is(world.db.stats().compaction.refusedTables, 4)
  await world.db.close()
})

test('with level 0 full and its compaction failing, writes are refused and not held', async (t) => {
  const world = await opened(...Array.from({ length: 9 }, () => diskFull))
  await world.tables(12)
  t.is(world.levels, '12 0 0 0 0 0 0')
  await world.db.put(b('still'), b('room'))
  const error = await t.throwsAsync(world.db.flushMemtable(), { instanceOf: SluiceError })
  t.like(error, { code: 'LEVEL_IO_ERROR', file: join(DIRECTORY, '000099.ldb') })
  t.regex(error.message, /Level 0 is full and its compaction failed: .*no space left/)
  t.deepEqual([world.ofType('failure'), world.db.stats().failure], [[], undefined])
  await world.db.put(b('still'), b('more room'))
  // A second later the next write makes the next attempt.
  world.runner.scripts.length = 0
  world.nowMs += 1000
  await world.db.flushMemtable()
  await world.idle()
  t.is(world.levels, '1 1 0 0 0 0 0')
  t.deepEqual(world.db.getSync(b('still')), b('more room'))
  await world.db.close()
})

test('with level 0 full of damage, writes are refused with the damage', async (t) => {
  const world = await opened(...Array.from({ length: 9 }, () => damage))
  await world.tables(12)
  await world.db.put(b('still'), b('room'))
  const error = await t.throwsAsync(world.db.flushMemtable(), { code: 'LEVEL_CORRUPTION' })
  t.regex(error.message, /Level 0 is full/)
  await world.db.close()
  await world.open()
  t.deepEqual(world.db.getSync(b('still')), b('room'))
  await world.db.close()
})

test('a full level 0 holds the writer until a compaction has ended', async (t) => {
  const held = new Held()
  const world = await opened(held.script)
  await world.tables(12)
  await world.db.put(b('one'), b('1'))
  let isSwitched = false
  const switched = world.db.write(null).then(() => {
    isSwitched = true
  })
  await turns(100)
  t.false(isSwitched)
  held.release()
  await switched
  t.is(world.db.stats().stalls['level0-stop'].count, 1)
  await world.db.close()
})

test('closing cuts a job short, and nobody has to wait for level 0', async (t) => {
  const world = await opened(untilCancelled)
  await world.tables(12)
  const writes = [
    world.db.put(b('one'), b('1')),
    world.db.write(null),
    world.db.put(b('two'), b('2')),
  ]
  await world.db.close()
  await Promise.all(writes)
  t.is(world.disk.openFileCount, 0)
  await world.open()
  t.deepEqual([world.db.getSync(b('one')), world.db.getSync(b('two'))], [b('1'), b('2')])
  holdsTables(t, world, 12)
  await world.idle()
  t.is(world.levels.split(' ')[0], '0')
  t.deepEqual(world.tablesOnDisk(), world.liveTables())
  await world.db.close()
})

test('closing ends the wait after a failed job', async (t) => {
  const world = await opened(diskFull)
  await world.tables(4)
  await world.until('a wait', () => world.pauses.length === 1)
  await world.db.close()
  t.true(world.pauses[0]!.isOver)
  t.is(world.runner.jobs.length, 1)
})

test('a manifest that cannot be written is the failure of the database, and resume() ends it', async (t) => {
  const held = new Held()
  const world = await opened(held.script)
  await world.tables(4)
  await world.until('held', () => held.isReached)
  const before = world.liveTables()
  held.release(async (_job, run) => {
    const result = await run()
    world.disk.inject({ effect: 'applied', kind: 'write', path: /MANIFEST/, code: 'EIO' })
    return result
  })
  await world.until('failed', () => world.ofType('failure').length === 1)
  await world.idle()
  t.deepEqual(world.ofType('compaction-failed'), [])
  // The edit may be durable: then the next open needs the outputs; and the inputs if it is not.
  const [output] = world.runner.jobs[0]!.outputNumbers
  t.deepEqual(
    world.tablesOnDisk(),
    [...before, output!].toSorted((x, y) => x - y),
  )
  await t.throwsAsync(world.db.put(b('x'), b('x')), { message: /resume/ })
  holdsTables(t, world, 4)
  await world.db.resume()
  await world.idle()
  t.is(world.levels, '0 1 0 0 0 0 0')
  t.deepEqual(world.tablesOnDisk(), world.liveTables())
  holdsTables(t, world, 4)
  await world.db.close()
})

test('resume() cuts a job short before it looks at the directory, and the job runs again', async (t) => {
  const world = await opened(partly)
  await world.tables(4)
  await world.until('begun', () => world.runner.jobs.length === 1)
  world.disk.inject({ effect: 'fail', kind: 'write', path: /\.log$/, code: 'EIO' })
  await t.throwsAsync(world.db.put(b('x'), b('x'), { sync: true }))
  await world.db.resume()
  await world.idle()
  t.is(world.levels, '0 1 0 0 0 0 0')
  t.is(world.runner.jobs.length, 2)
  t.deepEqual(world.tablesOnDisk(), world.liveTables())
  holdsTables(t, world, 4)
  await world.db.close()
})

test('what is asked for as soon as resume() has ended the failure gets its turn', async (t) => {
  const world = await opened()
  await world.tables(2)
  world.disk.inject({ effect: 'fail', kind: 'write', path: /\.log$/, code: 'EIO' })
  await t.throwsAsync(world.db.put(b('x'), b('x'), { sync: true }))
  const resumed = world.db.resume()
  await world.until('resumed', () => world.engine.failure === undefined)
  await world.engine.compactor.compactRange(ALL, {})
  t.is(world.levels, '0 1 0 0 0 0 0')
  await resumed
  await world.db.close()
})

test('nothing begins while the database has failed', async (t) => {
  const world = await opened()
  await world.tables(3)
  world.disk.inject({ effect: 'fail', kind: 'write', path: /\.log$/, code: 'EIO' })
  await t.throwsAsync(world.db.put(b('x'), b('x'), { sync: true }))
  world.engine.compactor.schedule()
  await t.throwsAsync(world.engine.compactor.compactRange(ALL, {}), { message: /resume/ })
  t.deepEqual(world.runner.jobs, [])
  await world.db.close()
})

const ALL = { smallest: undefined, largest: undefined }

test('tables that an iterator reads stay until it is closed', async (t) => {
  const world = await opened()
  await world.tables(3)
  const iterator = world.db.iterator()
  const [first] = await iterator.nextv(1)
  t.deepEqual(first, [b('a'), b('value 2')])
  await world.tables(1)
  await world.idle()
  t.is(world.levels, '0 1 0 0 0 0 0')
  t.is(world.tablesOnDisk().length, 4, 'three old ones and the new one')
  t.is((await iterator.all()).length, 4)
  await iterator.close()
  await turns(100)
  t.is(world.tablesOnDisk().length, 1)
  await world.db.close()
  t.is(world.disk.openFileCount, 0)
})

test('nothing is removed once the database is closed, though a read ends only then', async (t) => {
  const world = await opened()
  await world.tables(3)
  const retained = world.engine.versions.retain()
  await world.tables(1)
  await world.idle()
  await world.db.close()
  const left = world.tablesOnDisk()
  retained.release()
  await turns(20)
  t.is(left.length, 4)
  t.deepEqual(world.tablesOnDisk(), left)
  await world.open()
  t.deepEqual(world.tablesOnDisk(), world.liveTables())
  t.deepEqual(world.db.recovery.movedToLost, [])
  await world.db.close()
})

test('a table that cannot be removed is left to the next open', async (t) => {
  const world = await opened()
  const fault = { effect: 'fail', kind: 'unlink', path: /\.ldb$/, code: 'EACCES' } as const
  world.disk.inject({ ...fault, times: Infinity })
  await world.tables(4)
  await world.idle()
  t.is(world.levels, '0 1 0 0 0 0 0')
  t.is(world.tablesOnDisk().length, 5)
  await world.db.close()
  world.disk.heal()
  await world.open()
  t.deepEqual(world.tablesOnDisk(), world.liveTables())
  t.deepEqual(world.db.recovery.movedToLost, [])
  await world.db.close()
})

test('what a kill leaves of a compaction is removed at the next open, not kept', async (t) => {
  let image: SimulatedDisk | undefined
  const whole: Script = async (_job, run) => {
    const result = await run()
    image = world.disk.crashImage(CRASH_POLICIES['keep-all'], new Random(SEED))
    return result
  }
  const world = await opened(whole)
  await world.tables(4)
  await world.idle()
  await world.db.close()
  const after = new CompactionWorld(image!)
  await after.open()
  t.deepEqual(after.db.recovery.movedToLost, [])
  holdsTables(t, after, 4)
  await after.idle()
  t.deepEqual(after.tablesOnDisk(), after.liveTables())
  await after.db.close()
})

test('a range is compacted to the deepest level that holds any of it', async (t) => {
  const world = await opened()
  await world.tables(4)
  await world.idle()
  await world.db.compactRange()
  t.is(world.levels, '0 1 0 0 0 0 0', 'the deepest level is not written again')
  await world.table(['b0', 'c'], 'new')
  await world.db.delete(b('a'))
  await world.db.compactRange(b('a'), b('b'))
  t.is(world.levels, '0 1 0 0 0 0 0')
  t.is(world.runner.jobs.length, 2)
  t.is(world.db.getSync(b('a')), undefined)
  t.deepEqual(world.db.getSync(b('b0')), b('new'))
  // The deletion went too, with all that it hid.
  const [file] = world.engine.versions.current.levels[1]!
  t.deepEqual(file!.smallest.subarray(0, -8), b('b0'))
  await world.db.close()
})

test('a compaction of a range tells how far it is, up to the end', async (t) => {
  const held = new Held()
  const world = await opened(held.script)
  await world.tables(2)
  const progress: (readonly [number, number, number])[] = []
  const compacted = world.db.compactRange(undefined, undefined, {
    onProgress: ({ level, readBytes, totalBytes }) => progress.push([level, readBytes, totalBytes]),
  })
  await world.until('held', () => held.isReached)
  await world.until('a look', () => world.pauses.length === 1)
  new Int32Array(world.runner.jobs[0]!.control)[1] = 3
  world.pauses[0]!.end()
  await world.until('a second look', () => world.pauses.length === 2)
  const inputBytes = world.runner.jobs[0]!.inputs.flat().reduce((n, f) => n + f.sizeBytes, 0)
  held.release()
  await compacted
  t.deepEqual(progress, [
    [0, 3072, 3072],
    [0, inputBytes, inputBytes],
  ])
  await world.db.close()
})

test('an aborted compaction of a range ends its job, and leaves the database whole', async (t) => {
  const world = await opened(untilCancelled)
  await world.tables(2)
  const controller = new AbortController()
  const compacted = world.db.compactRange(undefined, undefined, { signal: controller.signal })
  await world.until('begun', () => world.runner.jobs.length === 1)
  controller.abort(new Error('enough'))
  const error = await t.throwsAsync(compacted, { code: 'LEVEL_ABORTED', name: 'AbortError' })
  t.like(error.cause, { message: 'enough' })
  holdsTables(t, world, 2)
  t.is(world.levels, '2 0 0 0 0 0 0')
  await t.throwsAsync(world.db.compactRange(undefined, undefined, { signal: controller.signal }), {
    code: 'LEVEL_ABORTED',
  })
  t.is(world.runner.jobs.length, 1)
  await world.db.compactRange()
  t.is(world.levels, '0 1 0 0 0 0 0')
  await world.db.close()
})

test('one that waits for its turn ends at once when it is aborted', async (t) => {
  const held = new Held()
  const world = await opened(held.script)
  await world.tables(4)
  await world.until('held', () => held.isReached)
  const controller = new AbortController()
  const compacted = world.engine.compactor.compactRange(ALL, { signal: controller.signal })
  controller.abort()
  await t.throwsAsync(compacted, { code: 'LEVEL_ABORTED' })
  held.release()
  await world.idle()
  t.is(world.runner.jobs.length, 1)
  await world.db.close()
})

test('what a listener of the progress throws ends that compaction and nothing else', async (t) => {
  const world = await opened()
  await world.tables(2)
  await t.throwsAsync(world.db.compactRange(undefined, undefined, { onProgress: throwing }), {
    message: 'of the caller',
  })
  await world.idle()
  t.deepEqual(world.ofType('compaction-failed'), [])
  await world.tables(4)
  holdsTables(t, world, 4)
  await world.db.close()
})

test('a listener of the progress that has thrown hears no more', async (t) => {
  let calls = 0
  const onProgress = (): void => {
    calls++
    throwing()
  }
  const manual = new ManualCompaction(ALL, SMALL_LIMITS, { onProgress })
  manual.report(1)
  manual.report(2)
  await t.throwsAsync(manual.promise, { message: 'of the caller' })
  t.is(calls, 1)
})

test('a compaction of a range that fails says so, and is not tried again by itself', async (t) => {
  const world = await opened(diskFull)
  await world.tables(2)
  await t.throwsAsync(world.db.compactRange(), { code: 'LEVEL_IO_ERROR' })
  await world.idle()
  t.deepEqual([world.pauses, world.runner.jobs.length], [[], 1])
  t.deepEqual(world.ofType('compaction-failed')[0]?.retryMs, undefined)
  await world.db.close()
})

test('a compaction of a range that meets the end of the database is refused', async (t) => {
  const world = await opened(untilCancelled)
  await world.tables(2)
  const compacted = t.throwsAsync(world.db.compactRange(), { code: 'LEVEL_DATABASE_NOT_OPEN' })
  await world.until('begun', () => world.runner.jobs.length === 1)
  await world.db.close()
  await compacted
  await t.throwsAsync(world.db.compactRange(), { code: 'LEVEL_DATABASE_NOT_OPEN' })
})

test('level 0 takes turns with a long compaction of a range', async (t) => {
  const held = new Held()
  const world = new CompactionWorld(new SimulatedDisk(SEED))
  await world.open({ compression: 'none' })
  // Some tables at level 1 and below, so that the range takes several steps.
  for (let i = 0; i < 120; i++) await world.table([`k${i % 10}`, `k${i}`], 'x'.repeat(700))
  await world.idle()
  world.runner.scripts.push(held.script)
  const jobsBefore = world.runner.jobs.length
  const compacted = world.db.compactRange()
  await world.until('held', () => held.isReached)
  for (let i = 0; i < 4; i++) await world.table(['k0', `k${i}`], 'y')
  held.release()
  await compacted
  const levels = world.runner.jobs.slice(jobsBefore).map(({ inputs }) => inputs.length)
  t.true(levels.length > 2)
  // Before it ends, a job takes the four new tables of level 0, each a run of its own.
  t.true(
    levels.slice(1, -1).some((runs) => runs >= 4),
    levels.join(' '),
  )
  await world.db.close()
})

test('compactRange takes keys and options that can be, and copies the keys', async (t) => {
  const world = await opened()
  const wrong: readonly (readonly unknown[])[] = [
    ['a'],
    [b('a'), 7],
    [null],
    [undefined, undefined, null],
    [undefined, undefined, { signal: {} }],
    [undefined, undefined, { onProgress: 1 }],
    [undefined, undefined, { sync: true }],
  ]
  for (const [start, end, options] of wrong) {
    await t.throwsAsync(
      world.db.compactRange(start as Buffer, end as Buffer, options as never),
      undefined,
      JSON.stringify([start, end, options]),
    )
  }
  await world.tables(2)
  const key = b('a')
  const compacted = world.db.compactRange(key, key)
  key.fill('~')
  await compacted
  t.is(world.levels, '0 1 0 0 0 0 0')
  await world.db.compactRange(b('z'), b('a'))
  await world.db.close()
})
