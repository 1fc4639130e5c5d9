// What the tracing channels cost where nobody listens: the look at one, and a read beside one with a
// subscriber.

import { tracingChannel } from 'node:diagnostics_channel'
import { WRITE } from '../../ts/db/tracing.ts'

const LOOKS = 100_000_000
const ROUNDS = 5

export function benchTracing(): void {
  const times: number[] = []
  let seen = 0
  for (let round = 0; round < ROUNDS; round++) {
    const startMs = performance.now()
    for (let i = 0; i < LOOKS; i++) if (WRITE.hasSubscribers) seen++
    times.push(((performance.now() - startMs) * 1e6) / LOOKS)
  }
  const others = tracingChannel('sluicedb:bench')
  others.subscribe({ start: () => seen++ } as never)
  const message = {}
  const startMs = performance.now()
  for (let i = 0; i < LOOKS / 100; i++) others.traceSync(() => seen, message)
  const toldNs = ((performance.now() - startMs) * 1e6) / (LOOKS / 100)
  const looks = times.map((time) => time.toFixed(1)).join(', ')
  console.log(`a look at a channel without subscribers: ${looks} ns (${seen} seen)`)
  console.log(`a call that is told to one: ${toldNs.toFixed(0)} ns`)
}
