// The TypeScript log writer over a file that misbehaves; native/core/test has the same for C++.

import test from 'ava'
import { BlockLogFile } from '../../ts/platform/block-log-file.ts'
import type { AppendableFile } from '../../ts/platform/log-file.ts'
import { systemError } from '../../ts/platform/system-error.ts'

type Answer = number | 'EINTR' | 'ENOSPC' | 'EIO'

/** Takes as many bytes as its script says, call by call; all of them when the script is over. */
class FakeFile implements AppendableFile {
  contents: Buffer = Buffer.alloc(0)
  readonly writes: Answer[]
  readonly syncs: Answer[]
  isStillLinked = true
  calls = 0
  closes = 0
  resizeFails = false
  readonly resizes: number[] = []

  constructor(writes: Answer[] = [], syncs: Answer[] = []) {
    this.writes = writes
    this.syncs = syncs
  }

  writevSync(buffers: readonly Uint8Array[]): number {
    this.calls++
    const bytes = Buffer.concat(buffers)
    const answer = this.writes.shift() ?? bytes.length
    if (typeof answer === 'string') throw systemError(answer, 'told to', 'write', 'fake')
    this.contents = Buffer.concat([this.contents, bytes.subarray(0, answer)])
    return Math.min(answer, bytes.length)
  }

  async writev(buffers: readonly Uint8Array[]): Promise<number> {
    return this.writevSync(buffers)
  }

  async sync(): Promise<void> {
    this.syncSync()
  }

  syncSync(): void {
    this.calls++
    const answer = this.syncs.shift()
    if (typeof answer === 'string') throw systemError(answer, 'told to', 'fdatasync', 'fake')
  }

  /** Where writes go on does not change, so the contents stand for what they hold. */
  async resize(sizeBytes: number): Promise<void> {
    this.resizes.push(sizeBytes)
    if (this.resizeFails) throw systemError('ENOSPC', 'told to', 'ftruncate', 'fake')
  }

  async isLinked(): Promise<boolean> {
    return this.isStillLinked
  }

  isLinkedSync(): boolean {
    return this.isStillLinked
  }

  async close(): Promise<void> {
    this.closes++
  }
}

const record = Buffer.from(Uint8Array.from({ length: 70_000 }, (_, i) => i & 255))

function expected(): Buffer {
  const file = new FakeFile()
  const log = new BlockLogFile('fake', file)
  log.appendSync(record, 0, record.length)
  log.appendSync(record, 0, 10)
  return file.contents
}

for (const inPlace of [false, true]) {
  const how = inPlace ? 'in place' : 'on the pool'
  const append = async (log: BlockLogFile, end: number): Promise<void> => {
    if (inPlace) log.appendSync(record, 0, end)
    else await log.append(record, 0, end, false)
  }

  test(`${how}: an append is one gather-write`, async (t) => {
    const file = new FakeFile()
    await append(new BlockLogFile('fake', file), record.length)
    t.is(file.calls, 1)
  })

  test(`${how}: short and interrupted writes are continued where they stopped`, async (t) => {
    const scripts: Answer[][] = [
      [1],
      [7],
      [6, 1, 1],
      ['EINTR', 3, 'EINTR', 'EINTR', 40_000],
      [32768],
      [32767, 2, 7, 'EINTR'],
      Array.from({ length: 3000 }, (_, i) => 1 + (i % 37)),
    ]
    for (const script of scripts) {
      const file = new FakeFile([...script])
      const log = new BlockLogFile('fake', file)
      await append(log, record.length)
      await append(log, 10)
      t.true(file.contents.equals(expected()), script.slice(0, 6).join())
      t.is(log.sizeBytes, file.contents.length)
    }
  })

  test(`${how}: an error after a short write poisons the log, and nothing is written after it`, async (t) => {
    const file = new FakeFile([5, 'ENOSPC'])
    const log = new BlockLogFile('fake', file)
    await t.throwsAsync(append(log, 100), { code: 'ENOSPC' })
    t.is(log.sizeBytes, 0)
    const { calls } = file
    await t.throwsAsync(append(log, 100), { code: 'ENOSPC' })
    await t.throwsAsync(log.sync(), { code: 'ENOSPC' })
    t.is(file.calls, calls)
    t.is(file.contents.length, 5)
    await log.close()
    await log.close()
    t.is(file.closes, 1)
  })

  test(`${how}: a device that takes nothing and says nothing is EIO`, async (t) => {
    const log = new BlockLogFile('fake', new FakeFile([3, 0]))
    await t.throwsAsync(append(log, 100), { code: 'EIO' })
  })
}

test('a failed sync is never tried again and is the answer to every later call', async (t) => {
  const file = new FakeFile([], ['EIO'])
  const log = new BlockLogFile('fake', file)
  await t.throwsAsync(log.append(record, 0, 10, true), { code: 'EIO' })
  const { calls } = file
  await t.throwsAsync(log.sync(), { code: 'EIO' })
  await t.throwsAsync(log.append(record, 0, 10, true), { code: 'EIO' })
  t.throws(() => log.appendSync(record, 0, 10), { code: 'EIO' })
  t.is(file.calls, calls)
})

test('an interrupted sync is repeated', async (t) => {
  const file = new FakeFile([], ['EINTR', 'EINTR'])
  await new BlockLogFile('fake', file).sync()
  t.is(file.calls, 3)
})

test('a file that lost its name fails the sync', async (t) => {
  const file = new FakeFile()
  file.isStillLinked = false
  const log = new BlockLogFile('fake', file)
  await log.append(record, 0, 10, false)
  await t.throwsAsync(log.append(record, 0, 10, true), { code: 'ESTALE' })
})

test('a synced append past 16 KiB makes the file longer first, and closing cuts it', async (t) => {
  const file = new FakeFile()
  const log = new BlockLogFile('fake', file)
  await log.append(record, 0, 1000, true)
  await log.append(record, 0, 20_000, false)
  t.deepEqual(file.resizes, [])
  await log.append(record, 0, 1000, true)
  const heldBytes = 1007 + 20_007 + 1007
  t.is(log.sizeBytes, heldBytes)
  t.deepEqual(file.resizes, [2 * heldBytes])
  await log.append(record, 0, 1000, true)
  t.is(file.resizes.length, 1)
  await log.close()
  t.deepEqual(file.resizes, [2 * heldBytes, heldBytes + 1007])
})

test('a synced append above 8 KiB does not make the file longer, a smaller one does', async (t) => {
  const file = new FakeFile()
  const log = new BlockLogFile('fake', file)
  const large = Buffer.alloc(300_000, 1)
  await log.append(large, 0, 300_000, true)
  // With its header it is 8 KiB, and then one byte more.
  await log.append(large, 0, 8192 - 7 + 1, true)
  t.deepEqual(file.resizes, [])
  await log.append(large, 0, 8192 - 7, true)
  t.deepEqual(file.resizes, [log.sizeBytes + 256 * 1024])
})

test('a file that cannot be made longer is appended to all the same', async (t) => {
  const file = new FakeFile()
  file.resizeFails = true
  const log = new BlockLogFile('fake', file)
  await log.append(record, 0, 20_000, true)
  await log.append(record, 0, 1000, true)
  t.is(file.resizes.length, 1)
  t.is(file.contents.length, 20_007 + 1007)
})

test('a log that failed is closed as it is', async (t) => {
  const file = new FakeFile([], ['EIO'])
  const log = new BlockLogFile('fake', file)
  await log.append(record, 0, 20_000, false)
  await t.throwsAsync(log.append(record, 0, 1000, true), { code: 'EIO' })
  await log.close()
  t.deepEqual(file.resizes, [2 * (20_007 + 1007)])
})
