// The example time series: order, ranges, means, and what deleting leaves.

import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { type Bucket, type Point, TimeSeries } from '../../scripts/examples/series/time-series.ts'
import { FAST_ROOT, scratchDirectory } from '../platform/scratch-directory.ts'

async function open(t: ExecutionContext): Promise<TimeSeries> {
  const series = await TimeSeries.open(join(scratchDirectory(t, FAST_ROOT), 'series'))
  t.teardown(() => series.close())
  return series
}

/** A point of 'cpu'. */
function at(timeMs: number, value: number, metric = 'cpu'): Point {
  return { metric, timeMs, value }
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const gathered: T[] = []
  for await (const item of items) gathered.push(item)
  return gathered
}

test('the newest points come first, whatever the order in which they were written', async (t) => {
  const series = await open(t)
  // 255 and 256: in the order of bytes only when the highest byte comes first.
  await series.append([at(256, 2.5), at(1, -1), at(2 ** 40, 4), at(255, 2), at(300, 9, 'cpu2')])
  t.deepEqual(await series.latest('cpu', { limit: 3 }), [at(2 ** 40, 4), at(256, 2.5), at(255, 2)])
  t.deepEqual(await series.latest('cpu', { limit: 9, fromMs: 1, untilMs: 256 }), [
    at(255, 2),
    at(1, -1),
  ])
  t.deepEqual(await series.latest('cp', { limit: 9 }), [])
})

test('a point takes the place of one of the same metric and time', async (t) => {
  const series = await open(t)
  await series.append([at(5, 1)])
  await series.append([at(5, 2)])
  t.deepEqual(await series.latest('cpu', { limit: 9 }), [at(5, 2)])
})

test('buckets have count, least, most and mean of their step', async (t) => {
  const series = await open(t)
  await series.append([at(0, 1), at(9, 3), at(10, 7), at(35, -2), at(36, 4), at(39, 1)])
  const expected: Bucket[] = [
    { timeMs: 0, count: 2, least: 1, most: 3, mean: 2 },
    { timeMs: 10, count: 1, least: 7, most: 7, mean: 7 },
    { timeMs: 30, count: 3, least: -2, most: 4, mean: 1 },
  ]
  t.deepEqual(await all(series.buckets('cpu', { stepMs: 10 })), expected)
  t.deepEqual(await all(series.buckets('cpu', { stepMs: 10, fromMs: 9, untilMs: 11 })), [
    { timeMs: 0, count: 1, least: 3, most: 3, mean: 3 },
    { timeMs: 10, count: 1, least: 7, most: 7, mean: 7 },
  ])
})

test('downsampling leaves the mean of each whole step before the time, and once is enough', async (t) => {
  const series = await open(t)
  await series.append([at(0, 1), at(9, 3), at(12, 7), at(21, 5), at(29, 6), at(1, 8, 'disk')])
  const expected = [at(29, 6), at(21, 5), at(10, 7), at(0, 2)]
  for (let run = 0; run < 2; run++) {
    await series.downsample(25, 10)
    t.deepEqual(await series.latest('cpu', { limit: 9 }), expected)
    t.deepEqual(await series.latest('disk', { limit: 9 }), [at(0, 8, 'disk')])
  }
})

test('deleting what is old leaves the rest of every metric', async (t) => {
  const series = await open(t)
  await series.append([at(1, 1), at(2, 2), at(3, 3), at(1, 1, 'disk'), at(2, 2, 'disk/a')])
  await series.deleteBefore(2)
  t.deepEqual(await series.latest('cpu', { limit: 9 }), [at(3, 3), at(2, 2)])
  t.deepEqual(await all(series.metrics()), ['cpu', 'disk/a'])
})

test('every metric is named once', async (t) => {
  const series = await open(t)
  const metrics = ['', 'a', 'a/b', 'ab', '\u00e9']
  for (const metric of metrics) {
    await series.append([at(0, 1, metric), at(2 ** 53 - 1, 1, metric)])
  }
  t.deepEqual(await all(series.metrics()), metrics)
})

test('what could not be found again is refused', async (t) => {
  const series = await open(t)
  await t.throwsAsync(series.append([at(1, 1, 'a\0b')]), { instanceOf: RangeError })
  await t.throwsAsync(series.append([at(-1, 1)]), { instanceOf: RangeError })
  await t.throwsAsync(series.append([at(1.5, 1)]), { instanceOf: RangeError })
})
