// What is open, in the order of opening.

import test from 'ava'
import { SnapshotList } from '../../ts/db/snapshot-list.ts'

test('the oldest snapshot is the first that is still open, whatever the order of closing', (t) => {
  let nowMs = 100
  const list = new SnapshotList(() => nowMs)
  t.deepEqual([list.oldest(), list.oldestAgeMs(), list.count], [undefined, undefined, 0])
  const first = list.acquire(5)
  nowMs = 110
  const second = list.acquire(5)
  const third = list.acquire(9)
  nowMs = 130
  t.deepEqual([list.oldest(), list.oldestAgeMs(), list.count], [5, 30, 3])
  first.release()
  first.release()
  t.deepEqual([list.oldest(), list.oldestAgeMs(), list.count], [5, 20, 2])
  third.release()
  second.release()
  t.deepEqual([list.oldest(), list.count], [undefined, 0])
})
