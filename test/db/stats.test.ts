// stats(): every figure counts what its name says, from the opening on.

import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { DB, type DBOptions, WriteBatch } from '../../ts/index.ts'
import { FAST_ROOT, scratchDirectory } from '../platform/scratch-directory.ts'

const b = (text: string): Buffer => Buffer.from(text)

async function open(t: ExecutionContext, options: DBOptions = {}): Promise<DB> {
  const db = await DB.open(join(scratchDirectory(t, FAST_ROOT), 'db'), {
    createIfMissing: true,
    ...options,
  })
  t.teardown(() => db.close())
  return db
}

/** `count` puts of 100 bytes, the same keys each time. */
async function fill(db: DB, count: number): Promise<void> {
  const batch = new WriteBatch()
  for (let i = 0; i < count; i++) batch.put(b(`key ${i}`), Buffer.alloc(100, i))
  await db.write(batch)
}

test('a new database has done nothing', async (t) => {
  const { recovery, ...stats } = (await open(t)).stats()
  const nothing = { count: 0, durationMs: 0 }
  const noWork = { readBytes: 0, writtenBytes: 0, durationMs: 0 }
  t.is(recovery.dropped.length, 0)
  t.deepEqual(stats, {
    write: {
      writes: 0,
      groups: 0,
      bytes: 0,
      groupSizes: [],
      syncs: { count: 0, durationMs: 0, p50Ms: 0, p99Ms: 0, p999Ms: 0, maxMs: 0 },
    },
    flush: { count: 0, bytes: 0, durationMs: 0 },
    compaction: { count: 0, trivialMoves: 0, failures: 0, refusedTables: 0, ...noWork },
    writeAmplification: undefined,
    cache: { capacityBytes: 8 * 2 ** 20, usedBytes: 0, hits: 0, misses: 0 },
    stalls: { 'level0-delay': nothing, memtable: nothing, 'level0-stop': nothing },
    memtable: { usedBytes: stats.memtable.usedBytes, entries: 0 },
    frozenMemtable: undefined,
    levels: Array.from({ length: 7 }, () => ({ files: 0, sizeBytes: 0, work: noWork })),
    iterators: { count: 0, oldestAgeMs: undefined },
    snapshots: { count: 0, oldestAgeMs: undefined },
    held: { memtableBytes: 0, tableBytes: 0 },
    lastSequence: 0,
    failure: undefined,
  })
})

test('sync latencies are of synced groups alone', async (t) => {
  const db = await open(t)
  await db.put(b('a'), b('1'))
  t.is(db.stats().write.syncs.count, 0)
  for (let i = 0; i < 3; i++) await db.put(b('a'), b('1'), { sync: true })
  const { groups, syncs } = db.stats().write
  t.is(groups, 4)
  t.is(syncs.count, 3)
  t.true(syncs.maxMs > 0)
  t.true(syncs.p50Ms > 0 && syncs.p50Ms <= syncs.p99Ms && syncs.p99Ms <= syncs.maxMs)
  t.true(syncs.durationMs >= syncs.maxMs)
})

test('a flush and a compaction show in their level, and in the write amplification', async (t) => {
  const db = await open(t, { compression: 'none' })
  await fill(db, 1000)
  t.is(db.stats().writeAmplification, 1)
  await db.flushMemtable()
  const { write, flush, levels, writeAmplification } = db.stats()
  t.is(flush.count, 1)
  t.true(flush.bytes > 100_000)
  t.deepEqual(levels[0], {
    files: 1,
    sizeBytes: flush.bytes,
    work: { readBytes: 0, writtenBytes: flush.bytes, durationMs: flush.durationMs },
  })
  t.is(writeAmplification, (write.bytes + flush.bytes) / write.bytes)

  await fill(db, 1000)
  await db.compactRange()
  const after = db.stats()
  const { compaction } = after
  t.true(compaction.count >= 1)
  t.is(compaction.readBytes, after.flush.bytes)
  t.is(after.levels[0]!.files, 0)
  const deepest = after.levels.findLast(({ files }) => files > 0)!
  t.is(deepest.files, 1)
  t.is(deepest.sizeBytes, compaction.writtenBytes)
  t.is(deepest.work.writtenBytes, compaction.writtenBytes)
  t.is(deepest.work.readBytes, compaction.readBytes)
  const written = after.write.bytes + after.flush.bytes + compaction.writtenBytes
  t.is(after.writeAmplification, written / after.write.bytes)
  t.is(db.property('leveldb.num-files-at-level0'), '0')
})

test('open snapshots and iterators are counted, with the age of the oldest', async (t) => {
  const db = await open(t)
  const first = db.snapshot()
  const second = db.snapshot()
  const iterator = db.iterator()
  const { snapshots, iterators } = db.stats()
  t.is(snapshots.count, 2)
  t.is(iterators.count, 1)
  t.true(snapshots.oldestAgeMs! >= 0 && snapshots.oldestAgeMs! < 60_000)
  t.true(iterators.oldestAgeMs! >= 0 && iterators.oldestAgeMs! < 60_000)
  first.close()
  t.is(db.stats().snapshots.count, 1)
  second.close()
  await iterator.close()
  t.deepEqual(db.stats().snapshots, { count: 0, oldestAgeMs: undefined })
  t.deepEqual(db.stats().iterators, { count: 0, oldestAgeMs: undefined })
})

test('what stats returned does not change afterwards', async (t) => {
  const db = await open(t)
  await db.put(b('a'), b('1'))
  const before = db.stats()
  const copy = structuredClone(before)
  await fill(db, 100)
  await db.flushMemtable()
  db.getSync(b('key 1'))
  t.deepEqual(before, copy)
})
