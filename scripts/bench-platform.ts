// Measures the pieces of the platform floor on both bindings, one beside the other: checksums by
// size, durable appends a second beside fs.write and fs.fdatasync, appends into the page cache, locks.
//
//   node dist/scripts/bench-platform.js [directory]      (a temporary directory when left out)

import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Binding } from '../ts/platform/binding.ts'
import { loadBinding } from '../ts/platform/load-binding.ts'
import { median } from './figures.ts'

const RECORD_SIZE = 200
const SECONDS = 1
const LOCKINGS = 15
/** Between two of them: right after one, the kernel has the table of all locks still at hand. */
const LOCKING_PAUSE_MS = 200

function bindings(): Binding[] {
  const native = loadBinding({})
  const js = loadBinding({ SLUICEDB_BINDING: 'js' })
  return native.kind === 'js' ? [js] : [native, js]
}

/** Nanoseconds per call, the best of five runs. */
function timeCrc(binding: Binding, bytes: Buffer, start: number, end: number): number {
  const rounds = Math.min(1_000_000, Math.ceil(100_000_000 / (end - start)))
  let best = Number.POSITIVE_INFINITY
  for (let run = 0; run < 5; run++) {
    const before = performance.now()
    for (let i = 0; i < rounds; i++) binding.crc32c(bytes, start, end)
    best = Math.min(best, ((performance.now() - before) * 1e6) / rounds)
  }
  return best
}

async function perSecond(operation: () => Promise<void>): Promise<number> {
  let count = 0
  const before = performance.now()
  while (performance.now() - before < SECONDS * 1000) {
    await operation()
    count++
  }
  return Math.round((count * 1000) / (performance.now() - before))
}

function benchCrc(): void {
  for (const size of [16, 48, 64, 100, 128, 256, 4096, 65536]) {
    const whole = Buffer.allocUnsafeSlow(size).fill(7)
    const larger = Buffer.allocUnsafeSlow(size + 16).fill(7)
    for (const binding of bindings()) {
      const wholeTime = timeCrc(binding, whole, 0, size)
      const rangeTime = timeCrc(binding, larger, 3, size + 3)
      const speed = (size / wholeTime).toFixed(2)
      console.log(
        `crc32c ${size} bytes, ${binding.kind}: ${wholeTime.toFixed(0)} ns (${speed} GB/s), ` +
          `as a range ${rangeTime.toFixed(0)} ns`,
      )
    }
  }
}

async function benchAppends(directory: string): Promise<void> {
  const record = Buffer.allocUnsafeSlow(RECORD_SIZE).fill(1)
  for (const binding of bindings()) {
    const log = await binding.createLog(join(directory, `${binding.kind}.log`))
    const durable = await perSecond(() => log.append(record, 0, RECORD_SIZE, true))
    const hopping = await perSecond(() => log.append(record, 0, RECORD_SIZE, false))
    const before = performance.now()
    for (let i = 0; i < 200_000; i++) log.appendSync(record, 0, RECORD_SIZE)
    const inline = Math.round(200_000_000 / (performance.now() - before))
    await log.close()
    console.log(`append of ${RECORD_SIZE} bytes, ${binding.kind}, a second:`)
    console.log(`  with sync ${durable}, without ${hopping}, appendSync ${inline}`)
  }
  const handle = await fs.promises.open(join(directory, 'plain'), 'w')
  const plain = await perSecond(async () => {
    await handle.write(record, 0, RECORD_SIZE)
    await handle.datasync()
  })
  await handle.close()
  console.log(`  FileHandle.write and datasync ${plain}`)
  const descriptor = fs.openSync(join(directory, 'callbacks'), 'w')
  const callbacks = await perSecond(async () => {
    await new Promise<void>((resolve, reject) => {
      fs.write(descriptor, record, 0, RECORD_SIZE, null, (error) =>
        error ? reject(error) : resolve(),
      )
    })
    await new Promise<void>((resolve, reject) => {
      fs.fdatasync(descriptor, (error) => (error ? reject(error) : resolve()))
    })
  })
  fs.closeSync(descriptor)
  console.log(`  fs.write and fs.fdatasync ${callbacks}`)
}

/** Taking the lock of a directory: TypeScript has to read /proc/locks for it. */
async function benchLocks(directory: string): Promise<void> {
  for (const binding of bindings()) {
    const times: number[] = []
    for (let round = 0; round < LOCKINGS; round++) {
      await sleep(LOCKING_PAUSE_MS)
      const startMs = performance.now()
      const lock = await binding.lock(join(directory, 'LOCK'))
      times.push(performance.now() - startMs)
      await lock.release()
    }
    console.log(`lock of a directory, ${binding.kind}: ${median(times).toFixed(2)} ms`)
  }
}

const directory = fs.mkdtempSync(join(process.argv[2] ?? tmpdir(), 'sluicedb-bench-'))
try {
  await benchLocks(directory)
  benchCrc()
  await benchAppends(directory)
} finally {
  fs.rmSync(directory, { recursive: true })
}
