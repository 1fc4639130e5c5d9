// Example: a time series, which is what ordered keys are best at.
//
//   const series = await TimeSeries.open('./metrics')
//   await series.append([{ metric: 'cpu/web-1', timeMs: Date.now(), value: 0.42 }])
//   await series.latest('cpu/web-1', { limit: 10 })                   the newest first
//   for await (const bucket of series.buckets('cpu/web-1', { stepMs: 60_000 })) ...
//   await series.downsample(dayAgoMs, 60_000)                         before that, a point a minute
//   await series.deleteBefore(yearAgoMs)
//
//   key     := metric 0 time      time: milliseconds, 8 bytes, the most significant first
//   value   := float64
// Bytes decide the order, so the points of a metric stand together, by their time: a range of it is
// one scan in either direction, and all that is too old is one range to clear.
//
// Points are not synced one by one: `durability` syncs what there is every 100 ms, and a power cut
// takes no more than what came since.
//
// Run it:  npm run example -- series

import { SluiceLevel } from 'sluicedb'

export interface Point {
  /** Any text without the character 0. */
  readonly metric: string
  /** Milliseconds since 1970, a whole number from 0 on. */
  readonly timeMs: number
  readonly value: number
}

/** From `fromMs` on, up to but not including `untilMs`. Each is open where it is left out. */
export interface TimeRange {
  readonly fromMs?: number
  readonly untilMs?: number
}

export interface Bucket {
  readonly timeMs: number
  readonly count: number
  readonly least: number
  readonly most: number
  readonly mean: number
}

const LOSS_MS = 100
const TIME_SIZE = 8
/** Changes that are gathered before they are written. */
const BATCH_COUNT = 1000

export class TimeSeries {
  readonly #db: SluiceLevel<Buffer, Buffer>

  private constructor(db: SluiceLevel<Buffer, Buffer>) {
    this.#db = db
  }

  /** Opens the series in `directory`, and makes them where there are none. */
  static async open(directory: string): Promise<TimeSeries> {
    const db = new SluiceLevel<Buffer, Buffer>(directory, {
      keyEncoding: 'buffer',
      valueEncoding: 'buffer',
      durability: LOSS_MS,
    })
    await db.open()
    return new TimeSeries(db)
  }

  /** Stores all of the points or none. One of the same metric and time as another takes its place. */
  async append(points: Iterable<Point>): Promise<void> {
    const batch = this.#db.batch()
    for (const { metric, timeMs, value } of points) {
      batch.put(keyOf(metric, timeMs), valueOf(value))
    }
    await batch.write()
  }

  /** The newest points of the range, the newest first. */
  async latest(
    metric: string,
    { limit, ...range }: TimeRange & { readonly limit: number },
  ): Promise<Point[]> {
    const options = { ...keyRange(metric, range), reverse: true, limit }
    const entries = await this.#db.iterator(options).all()
    return entries.map(([key, value]) => ({ metric, timeMs: timeOf(key), value: numberOf(value) }))
  }

  /** The points of the range in steps of `stepMs`, from the oldest on; empty steps are left out. */
  async *buckets(
    metric: string,
    { stepMs, ...range }: TimeRange & { readonly stepMs: number },
  ): AsyncGenerator<Bucket> {
    let bucket: Bucket | undefined
    for await (const [key, bytes] of this.#db.iterator(keyRange(metric, range))) {
      const value = numberOf(bytes)
      const timeMs = Math.floor(timeOf(key) / stepMs) * stepMs
      if (bucket?.timeMs === timeMs) {
        bucket = joined(bucket, value)
        continue
      }
      if (bucket !== undefined) yield bucket
      bucket = { timeMs, count: 1, least: value, most: value, mean: value }
    }
    if (bucket !== undefined) yield bucket
  }

  /**
   * Makes of all points before `timeMs` one a step, their mean. Can be cut at any moment, even by a
   * crash, and run again: a step is replaced as a whole, and the mean of one point is that point.
   */
  async downsample(timeMs: number, stepMs: number): Promise<void> {
    const untilMs = Math.floor(timeMs / stepMs) * stepMs
    for await (const metric of this.metrics()) {
      let batch = this.#db.batch()
      for await (const bucket of this.buckets(metric, { untilMs, stepMs })) {
        const { timeMs: fromMs, mean } = bucket
        const step = keyRange(metric, { fromMs, untilMs: fromMs + stepMs })
        for await (const key of this.#db.keys(step)) batch.del(key)
        batch.put(keyOf(metric, fromMs), valueOf(mean))
        if (batch.length < BATCH_COUNT) continue
        await batch.write()
        batch = this.#db.batch()
      }
      await batch.write()
    }
  }

  /** Deletes all points before `timeMs`, of every metric. */
  async deleteBefore(timeMs: number): Promise<void> {
    for await (const metric of this.metrics()) {
      await this.#db.clear(keyRange(metric, { untilMs: timeMs }))
    }
  }

  /** Every metric once, in order: jumps from one to the next, whatever lies between. */
  async *metrics(): AsyncGenerator<string> {
    const keys = this.#db.keys()
    try {
      for (let key = await keys.next(); key !== undefined; key = await keys.next()) {
        const metric = key.toString('utf8', 0, key.length - TIME_SIZE - 1)
        yield metric
        keys.seek(keyRange(metric, {}).lt)
      }
    } finally {
      await keys.close()
    }
  }

  close(): Promise<void> {
    return this.#db.close()
  }
}

function keyOf(metric: string, timeMs: number): Buffer {
  if (metric.includes('\0')) throw new RangeError('a metric must not contain the character 0')
  const key = Buffer.alloc(Buffer.byteLength(metric) + 1 + TIME_SIZE)
  const metricEnd = key.write(metric)
  // Throws for a time that is negative or no whole number.
  key.writeBigUInt64BE(BigInt(timeMs), metricEnd + 1)
  return key
}

function timeOf(key: Buffer): number {
  return Number(key.readBigUInt64BE(key.length - TIME_SIZE))
}

function keyRange(metric: string, { fromMs = 0, untilMs }: TimeRange): { gte: Buffer; lt: Buffer } {
  // Behind every time of the metric: 1 is what follows the 0 between the two.
  const end = Buffer.from(`${metric}\u0001`)
  return { gte: keyOf(metric, fromMs), lt: untilMs === undefined ? end : keyOf(metric, untilMs) }
}

function valueOf(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleBE(value)
  return bytes
}

function numberOf(bytes: Buffer): number {
  return bytes.readDoubleBE()
}

function joined({ timeMs, count, least, most, mean }: Bucket, value: number): Bucket {
  return {
    timeMs,
    count: count + 1,
    least: Math.min(least, value),
    most: Math.max(most, value),
    mean: mean + (value - mean) / (count + 1),
  }
}
