// lost/ keeps what is damaged, and not more orphan tables than its bound.

import test from 'ava'
import { parseLostName, pruneOrphans } from '../../ts/db/lost-files.ts'
import { SimulatedDisk } from '../crash/simulated-disk.ts'

function lostWith(sizes: Readonly<Record<string, number>>): SimulatedDisk {
  const disk = new SimulatedDisk(1)
  for (const [name, size] of Object.entries(sizes)) {
    disk.plant(`/db/lost/${name}`, Buffer.alloc(size))
  }
  return disk
}

function namesIn(disk: SimulatedDisk): string[] {
  return [...disk.contents('/db/lost').keys()]
    .map((path) => path.slice('/db/lost/'.length))
    .toSorted()
}

test('the oldest tables that no manifest named go when all of them are beyond the bound', async (t) => {
  const disk = lostWith({ '000012.ldb': 40, '000007.ldb': 30, '000009.sst': 30, '1000000.ldb': 10 })
  t.deepEqual(await pruneOrphans(disk, '/db', 110), [])
  t.deepEqual(await pruneOrphans(disk, '/db', 60), ['/db/lost/000007.ldb', '/db/lost/000009.sst'])
  t.deepEqual(namesIn(disk), ['000012.ldb', '1000000.ldb'])
})

test('what is damaged, and what is not ours, stays whatever its size', async (t) => {
  const sizes = {
    '000003.log': 500,
    'MANIFEST-000002': 500,
    'damaged-000005.ldb': 500,
    'mine.ldb': 500,
  }
  const disk = lostWith(sizes)
  t.deepEqual(await pruneOrphans(disk, '/db', 10), [])
  t.deepEqual(namesIn(disk), Object.keys(sizes).toSorted())
})

test('without lost/ there is nothing to remove', async (t) => {
  const disk = new SimulatedDisk(1)
  disk.plant('/db/CURRENT', Buffer.alloc(0))
  t.deepEqual(await pruneOrphans(disk, '/db', 0), [])
})

test('names in lost/ are those of files, and of damaged tables', (t) => {
  t.deepEqual(parseLostName('000003.log'), { kind: 'log', number: 3 })
  t.deepEqual(parseLostName('damaged-000005.ldb'), { kind: 'table', number: 5 })
  t.is(parseLostName('damaged-000005.log'), undefined)
  t.is(parseLostName('damaged-mine.txt'), undefined)
})
