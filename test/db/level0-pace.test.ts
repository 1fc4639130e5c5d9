// How long writes wait while level 0 has too many files.

import test from 'ava'
import { Level0Pace } from '../../ts/db/level0-pace.ts'

test('at the limit a memtable takes as long as a file of level 0, and twice as long with each more', (t) => {
  const delays = [8, 9, 10, 11].map((files) => new Level0Pace().delayMs(files, 0.1))
  t.deepEqual(delays, [3, 6, 12, 24])
})

test('small writes wait together', (t) => {
  const pace = new Level0Pace()
  const delays = Array.from({ length: 20 }, () => pace.delayMs(8, 0.01))
  t.deepEqual(
    delays.map((delayMs) => (delayMs > 0 ? delayMs : '-')).join(' '),
    '- - - 1 - - - 1 - - - 1 - - - 1 - - - 1',
  )
})

test('no write waits for more than a tenth of a second', (t) => {
  const pace = new Level0Pace()
  t.is(pace.delayMs(12, 50), 100)
  t.is(pace.delayMs(8, 0.01), 0, 'no debt is left of it')
})

test('the pace follows what compactions take for each file of level 0', (t) => {
  const pace = new Level0Pace()
  for (let i = 0; i < 60; i++) pace.compacted(0, 8, 800)
  t.is(pace.delayMs(8, 0.1), 10)
  // Those of deeper levels hold it up too.
  for (let i = 0; i < 60; i++) {
    pace.compacted(1, 3, 400)
    pace.compacted(2, 1, 400)
    pace.compacted(0, 8, 800)
  }
  t.is(pace.delayMs(8, 0.1), 20)
  pace.compacted(0, 8, 0)
  t.is(pace.delayMs(8, 0.1), 14, 'the last one counts for three tenths')
})
