// The histogram of latencies: percentiles within a tenth, and what it says of nothing.

import test from 'ava'
import { LatencyHistogram } from '../../ts/db/latency-histogram.ts'

test('nothing counted is zero everywhere', (t) => {
  t.deepEqual(new LatencyHistogram().stats(), {
    count: 0,
    durationMs: 0,
    p50Ms: 0,
    p99Ms: 0,
    p999Ms: 0,
    maxMs: 0,
  })
})

test('percentiles are within a tenth, the longest is exact', (t) => {
  const histogram = new LatencyHistogram()
  for (let i = 1; i <= 1000; i++) histogram.add(i / 100)
  const { count, durationMs, p50Ms, p99Ms, p999Ms, maxMs } = histogram.stats()
  t.is(count, 1000)
  t.true(Math.abs(durationMs - 5005) < 1e-6)
  t.true(Math.abs(p50Ms / 5 - 1) < 0.1, `${p50Ms}`)
  t.true(Math.abs(p99Ms / 9.9 - 1) < 0.1, `${p99Ms}`)
  t.true(Math.abs(p999Ms / 9.99 - 1) < 0.1, `${p999Ms}`)
  t.is(maxMs, 10)
})

test('no percentile is above the longest', (t) => {
  const histogram = new LatencyHistogram()
  histogram.add(1.021)
  t.deepEqual(histogram.stats(), {
    count: 1,
    durationMs: 1.021,
    p50Ms: 1.021,
    p99Ms: 1.021,
    p999Ms: 1.021,
    maxMs: 1.021,
  })
})

test('durations of nothing, of nanoseconds and of hours are counted too', (t) => {
  const histogram = new LatencyHistogram()
  for (const durationMs of [0, 1e-6, 1e7, 1e8]) histogram.add(durationMs)
  const { count, p50Ms, p99Ms, maxMs } = histogram.stats()
  t.is(count, 4)
  t.true(p50Ms < 0.01)
  t.true(p99Ms > 1e6)
  t.is(maxMs, 1e8)
})
