// The time series at work: a day of several metrics, looked at, thinned out and cut off.
//
// Run it:  npm run example -- series
//          npm run example -- series --metrics 50 --points 20000

import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { count, fixed, table } from '../../figures.ts'
import { type Point, TimeSeries } from './time-series.ts'

const DAY_MS = 24 * 60 * 60 * 1000
const HOUR_MS = 60 * 60 * 1000
/** Any whole day. */
const START_MS = Date.UTC(2026, 0, 1)
const BATCH_COUNT = 1000

/** Runs the demonstration under `directory`. */
export async function demonstrate(directory: string, args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      metrics: { type: 'string', default: '20' },
      points: { type: 'string', default: '20000' },
    },
  })
  const metrics = Array.from({ length: Number(values.metrics) }, (_, index) => `cpu/web-${index}`)
  const series = await TimeSeries.open(join(directory, 'series'))
  await write(series, metrics, Number(values.points))
  const [metric = ''] = metrics
  await show(series, metric)
  await thinOut(series, metric)
  await series.close()
}

async function write(
  series: TimeSeries,
  metrics: readonly string[],
  pointsEach: number,
): Promise<void> {
  const startMs = performance.now()
  let batch: Point[] = []
  for (let i = 0; i < pointsEach; i++) {
    const timeMs = START_MS + Math.floor((i * DAY_MS) / pointsEach)
    for (const metric of metrics) batch.push({ metric, timeMs, value: loadAt(timeMs) })
    if (batch.length < BATCH_COUNT) continue
    await series.append(batch)
    batch = []
  }
  await series.append(batch)
  const points = pointsEach * metrics.length
  const rate = (points / (performance.now() - startMs)) * 1000
  console.log(`${count(points)} points of ${metrics.length} metrics written: ${count(rate)}/s`)
}

/** Low at night. */
function loadAt(timeMs: number): number {
  return 0.5 - 0.5 * Math.cos(((timeMs % DAY_MS) / DAY_MS) * 2 * Math.PI)
}

async function show(series: TimeSeries, metric: string): Promise<void> {
  console.log(`\nThe newest of ${metric}:`)
  for (const { timeMs, value } of await series.latest(metric, { limit: 3 })) {
    console.log(`  ${new Date(timeMs).toISOString()}  ${fixed(value, 4)}`)
  }
  console.log('\nIts morning by the hour:')
  const range = { fromMs: START_MS + 6 * HOUR_MS, untilMs: START_MS + 10 * HOUR_MS }
  const lines = [['  hour', 'points', 'least', 'mean', 'most']]
  for await (const bucket of series.buckets(metric, { ...range, stepMs: HOUR_MS })) {
    const { timeMs, count, least, mean, most } = bucket
    const figures = [least, mean, most].map((figure) => fixed(figure, 3))
    lines.push([`  ${new Date(timeMs).toISOString().slice(11, 16)}`, String(count), ...figures])
  }
  console.log(table(lines))
}

async function thinOut(series: TimeSeries, metric: string): Promise<void> {
  const pointsOf = async (): Promise<string> => {
    let points = 0
    const all = series.buckets(metric, { stepMs: DAY_MS })
    for await (const { count } of all) points += count
    return count(points)
  }
  console.log(`\n${metric} has ${await pointsOf()} points,`)
  await series.downsample(START_MS + 12 * HOUR_MS, 60_000)
  console.log(`${await pointsOf()} when the morning has one a minute,`)
  await series.deleteBefore(START_MS + 6 * HOUR_MS)
  console.log(`${await pointsOf()} without the night.`)
}
