// How long something took, counted in buckets that grow by a fifth: a percentile is right to 10 %,
// and counting one is an addition.
//
//   bucket i holds durations from STEP^i to STEP^(i+1) microseconds; the first all below, too

export interface LatencyStats {
  readonly count: number
  /** Summed. */
  readonly durationMs: number
  /** Within 10 %; 0 when nothing was counted. */
  readonly p50Ms: number
  readonly p99Ms: number
  readonly p999Ms: number
  /** Exact. */
  readonly maxMs: number
}

const STEP = 1.2
const BUCKET_COUNT = 128
const LOG_STEP: number = Math.log(STEP)
const US_PER_MS = 1000

export class LatencyHistogram {
  readonly #buckets = new Float64Array(BUCKET_COUNT)
  #count = 0
  #durationMs = 0
  #maxMs = 0

  add(durationMs: number): void {
    this.#count++
    this.#durationMs += durationMs
    if (durationMs > this.#maxMs) this.#maxMs = durationMs
    const bucket = Math.floor(Math.log(durationMs * US_PER_MS) / LOG_STEP)
    this.#buckets[Math.min(BUCKET_COUNT - 1, Math.max(0, bucket))]!++
  }

  stats(): LatencyStats {
    return {
      count: this.#count,
      durationMs: this.#durationMs,
      p50Ms: this.#percentile(0.5),
      p99Ms: this.#percentile(0.99),
      p999Ms: this.#percentile(0.999),
      maxMs: this.#maxMs,
    }
  }

  // The middle of the bucket that holds it, but never above the longest.
  #percentile(share: number): number {
    const rank = this.#count * share
    let count = 0
    for (let bucket = 0; bucket < BUCKET_COUNT; bucket++) {
      count += this.#buckets[bucket]!
      if (count > 0 && count >= rank) {
        return Math.min(this.#maxMs, STEP ** (bucket + 0.5) / US_PER_MS)
      }
    }
    return 0
  }
}
