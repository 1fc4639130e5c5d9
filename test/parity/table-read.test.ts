// Tables read through C++ and in steps: the same answers, and for damage the same errors.

import fs from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { SluiceError } from '../../ts/format/error.ts'
import type { BlockFindBatch } from '../../ts/platform/block-find-queue.ts'
import { crc32c } from '../../ts/platform/js-crc32c.ts'
import { NodeFileSystem } from '../../ts/platform/node-file-system.ts'
import { BlockCache } from '../../ts/table/block-cache.ts'
import type { LookupKey } from '../../ts/table/lookup-key.ts'
import { FINDING, NOT_AT_HAND, Table } from '../../ts/table/table.ts'
import { Random } from '../crash/random.ts'
import { SEED } from '../format/seed.ts'
import { bothBindings } from '../platform/both-bindings.ts'
import { scratchDirectory } from '../platform/scratch-directory.ts'
import { buildTable, lookupOf, randomEntries, scan } from '../table/entries.ts'

/** What a call gave or threw, as text. */
function told(call: () => unknown): string {
  try {
    const answer = call()
    return Buffer.isBuffer(answer) ? `bytes ${answer.toString('hex')}` : String(answer)
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error
    return `${error.code} ${error.message}`
  }
}

async function toldLater(call: Promise<unknown>): Promise<string> {
  const [outcome] = await Promise.allSettled([call])
  return told(() => {
    if (outcome.status === 'rejected') throw outcome.reason
    return outcome.value
  })
}

/** By a search on the pool, and, where that cannot be or is refused, in steps. */
function toldByPool(table: Table, lookup: LookupKey): Promise<string> {
  return new Promise((resolve) => {
    const tellAll = (answer: ReturnType<Table['getAtHand']>): void => {
      if (answer === NOT_AT_HAND) resolve(toldLater(table.get(lookup)))
      else if (answer !== FINDING) resolve(told(() => answer))
    }
    const found = (batch: BlockFindBatch, i: number): void => tellAll(table.endFind(batch, i))
    // As if many others had asked in this turn.
    for (let i = 0; i < 100; i++) table.file.takesInPlace?.()
    try {
      tellAll(table.getAtHand(lookup, true, { found }))
    } catch (error) {
      resolve(
        told(() => {
          throw error
        }),
      )
    }
  })
}

test('whole and damaged tables answer alike in every way of reading, with a cache and without', async (t) => {
  const random = new Random(SEED)
  const path = join(scratchDirectory(t), '000005.ldb')
  let damaged = 0
  for (let round = 0; round < 40; round++) {
    const entries = randomEntries(random, 200, 60)
    const compression = random.pick(['none', 'snappy'] as const)
    const bytes = buildTable(entries, { compression, blockSize: 300 })
    // Where the data blocks are, so that the table opens.
    if (round % 2 === 1) bytes[random.below(Math.floor(bytes.length / 2))]! ^= 1 << random.below(8)
    fs.writeFileSync(path, bytes)
    const blockCache = random.percent(50) ? { blockCache: new BlockCache(4096) } : {}
    const verifyChecksums = !random.percent(20)
    const tables = bothBindings.map((binding) => {
      const file = new NodeFileSystem(binding).openRandomAccessSync(path)
      return Table.openSync(file, 5, { crc32c, verifyChecksums, ...blockCache })
    })
    for (const { key } of entries) {
      const lookup = lookupOf(key)
      const expected = told(() => tables[0]!.getSync(lookup))
      if (expected.startsWith('LEVEL_CORRUPTION')) damaged++
      for (const table of tables) {
        t.is(
          told(() => table.getSync(lookup, false)),
          expected,
          `seed ${SEED}, round ${round}`,
        )
        t.is(await toldLater(table.get(lookup)), expected, `seed ${SEED}, round ${round}`)
        t.is(await toldByPool(table, lookup), expected, `seed ${SEED}, round ${round}`)
        const atHand = told(() => table.getAtHand(lookup))
        if (atHand !== String(NOT_AT_HAND)) t.is(atHand, expected, `seed ${SEED}, round ${round}`)
      }
    }
    const scans = tables.map((table) => told(() => JSON.stringify(scan(table))))
    t.is(new Set(scans).size, 1, `seed ${SEED}, round ${round}`)
    for (const table of tables) table.closeSync()
  }
  t.true(damaged > 0)
})

test('blocks larger than what they are first read into are read as well', async (t) => {
  const path = join(scratchDirectory(t), '000005.ldb')
  const random = new Random(SEED)
  const value = Buffer.concat([random.bytes(100_000), Buffer.alloc(100_000, 'text')])
  const entries = randomEntries(random, 3, 10).map(({ key }) => ({ key, value }))
  fs.writeFileSync(path, buildTable(entries, { compression: 'snappy' }))
  for (const binding of bothBindings) {
    const file = new NodeFileSystem(binding).openRandomAccessSync(path)
    const table = Table.openSync(file, 5, { crc32c })
    for (let round = 0; round < 2; round++) {
      for (const { key } of entries) {
        if (key.at(-8) === 0) continue
        t.true(table.getSync(lookupOf(key))?.equals(value))
        t.true((await table.get(lookupOf(key)))?.equals(value))
      }
    }
    table.closeSync()
  }
})
