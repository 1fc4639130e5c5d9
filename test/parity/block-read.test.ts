// Blocks read by C++ in one step, against the steps in TypeScript: the same contents, and refused where
// TypeScript finds damage, never otherwise.

import fs from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import snappy from 'snappy'
import { putFixed32, putVarint, varintLength } from '../../ts/format/coding.ts'
import { maskCrc } from '../../ts/format/crc-mask.ts'
import { SluiceError } from '../../ts/format/error.ts'
import type { RandomAccessFile } from '../../ts/platform/file-system.ts'
import { BLOCK_REFUSED, VERIFY } from '../../ts/platform/block-reads.ts'
import { crc32c } from '../../ts/platform/js-crc32c.ts'
import { NodeFileSystem } from '../../ts/platform/node-file-system.ts'
import { blockContents } from '../../ts/table/block-contents.ts'
import { Random } from '../crash/random.ts'
import { SEED } from '../format/seed.ts'
import { bothBindings } from '../platform/both-bindings.ts'
import { FAST_ROOT, scratchDirectory } from '../platform/scratch-directory.ts'

const native = bothBindings.find(({ blockReads }) => blockReads !== undefined)
const testNative = native === undefined ? test.skip : test

const scratch = Buffer.alloc(1_000_000)

/** The block as it is stored, with the right checksum. */
function stored(contents: Uint8Array, type: number): Buffer {
  const block = Buffer.concat([contents, Buffer.alloc(5)])
  block[contents.length] = type
  putFixed32(block, contents.length + 1, maskCrc(crc32c(block, 0, contents.length + 1)))
  return block
}

function openFile(t: ExecutionContext, bytes: Buffer): RandomAccessFile {
  const path = join(scratchDirectory(t, FAST_ROOT), 'blocks')
  fs.writeFileSync(path, bytes)
  const file = new NodeFileSystem(native!).openRandomAccessSync(path)
  t.teardown(() => file.closeSync())
  return file
}

function byNative(file: RandomAccessFile, position: number, size: number, flags: number): string {
  const length = file.readBlockSync!(position, size, flags, scratch)
  return length === BLOCK_REFUSED ? 'refused' : scratch.toString('latin1', 0, length)
}

function byTypeScript(bytes: Buffer, flags: number): string {
  try {
    const verify = flags === VERIFY ? crc32c : undefined
    return blockContents(bytes, 'file', 0, verify).toString('latin1')
  } catch (error) {
    if (!(error instanceof SluiceError) || error.code !== 'LEVEL_CORRUPTION') throw error
    return 'refused'
  }
}

/** Text-like, repetitive, random, or all of it. */
function sample(random: Random): Buffer {
  const parts: Buffer[] = []
  for (let i = random.between(1, 5); i > 0; i--) {
    const length = random.below(random.pick([4, 60, 3000]))
    if (random.percent(40)) parts.push(random.bytes(length))
    else parts.push(Buffer.alloc(length, random.bytes(random.between(1, 70))))
  }
  return Buffer.concat(parts)
}

function compress(bytes: Buffer): Buffer {
  return snappy.compressSync(bytes, { copyOutputData: true })
}

/** Blocks of a file, each compared in both ways, with and without checksums. */
async function compare(
  t: ExecutionContext,
  blocks: readonly Buffer[],
  what: string,
): Promise<void> {
  const file = openFile(t, Buffer.concat(blocks))
  let position = 0
  for (const [i, block] of blocks.entries()) {
    for (const flags of [0, VERIFY]) {
      const expected = byTypeScript(block, flags)
      const found = byNative(file, position, block.length, flags)
      if (found !== expected) t.fail(`seed ${SEED}, ${what} ${i}: ${block.toString('hex')}`)
      const read = await file.readBlock!(position, block.length, flags)
      const later = read?.toString('latin1') ?? 'refused'
      if (later !== expected) t.fail(`seed ${SEED}, ${what} ${i}, pool: ${block.toString('hex')}`)
    }
    position += block.length
  }
  t.pass()
}

testNative('random blocks have the same contents', async (t) => {
  const random = new Random(SEED)
  const blocks = Array.from({ length: 500 }, () => {
    const contents = sample(random)
    return random.percent(70) ? stored(compress(contents), 1) : stored(contents, 0)
  })
  await compare(t, blocks, 'block')
})

testNative('flipped bits are refused where TypeScript finds damage', async (t) => {
  const random = new Random(SEED)
  const blocks = Array.from({ length: 2000 }, () => {
    const contents = sample(random).subarray(0, 400)
    const block = stored(compress(contents), 1)
    block[random.below(block.length - 5)]! ^= 1 << random.below(8)
    return block
  })
  await compare(t, blocks, 'flip')
})

testNative(
  'so they are behind a right checksum: every cut of the data, and other lengths',
  async (t) => {
    const random = new Random(SEED)
    const blocks: Buffer[] = []
    for (let round = 0; round < 10; round++) {
      const data = compress(sample(random).subarray(0, 300))
      for (let size = 0; size < data.length; size++) blocks.push(stored(data.subarray(0, size), 1))
    }
    for (let round = 0; round < 300; round++) {
      const contents = sample(random).subarray(0, 300)
      const claimed = random.pick([0, 1, contents.length + 1, contents.length * 30, 2 ** 32 - 1])
      const head = Buffer.alloc(varintLength(claimed))
      putVarint(head, 0, claimed)
      const elements = compress(contents).subarray(varintLength(contents.length))
      blocks.push(stored(Buffer.concat([head, elements]), 1))
      const damaged = compress(contents)
      damaged[random.below(damaged.length)]! ^= 1 << random.below(8)
      blocks.push(stored(damaged, 1))
    }
    await compare(t, blocks, 'cut')
  },
)

testNative('types that are not known to C++ are refused', async (t) => {
  const file = openFile(t, stored(Buffer.from('contents'), 7))
  t.is(byNative(file, 0, 13, VERIFY), 'refused')
  t.is(await file.readBlock!(0, 13, VERIFY), undefined)
})

testNative(
  'what lies outside the file, and what a closed file is asked for, is refused',
  async (t) => {
    const block = stored(Buffer.from('contents'), 0)
    const file = openFile(t, block)
    for (const [position, size] of [
      [0, block.length + 1],
      [1, block.length],
      [2 ** 52, block.length],
      [-1, block.length],
      [0, 4],
      [0, 0],
      [0, 2 ** 40],
      [Number.NaN, block.length],
    ] as const) {
      t.is(byNative(file, position, size, 0), 'refused', `${position} ${size}`)
      t.is(await file.readBlock!(position, size, 0), undefined, `${position} ${size}`)
    }
    t.is(byNative(file, 0, block.length, VERIFY), 'contents')
    await file.close()
    t.is(byNative(file, 0, block.length, VERIFY), 'refused')
    t.is(await file.readBlock!(0, block.length, VERIFY), undefined)
  },
)

testNative('contents that do not fit into the target are refused', (t) => {
  const block = stored(compress(Buffer.alloc(1000, 'ab')), 1)
  const file = openFile(t, block)
  t.is(file.readBlockSync!(0, block.length, VERIFY, Buffer.alloc(999)), BLOCK_REFUSED)
  const target = Buffer.alloc(1000)
  t.is(file.readBlockSync!(0, block.length, VERIFY, target), 1000)
  t.deepEqual(target, Buffer.alloc(1000, 'ab'))
})

testNative('a close waits for the blocks that are being read', async (t) => {
  const block = stored(compress(Buffer.alloc(100_000, 'ab')), 1)
  const file = openFile(t, block)
  for (const inPlace of [false, true]) {
    const one = inPlace ? file : openFile(t, block)
    const reads = Array.from({ length: 300 }, () => one.readBlock!(0, block.length, VERIFY))
    if (inPlace) one.closeSync()
    const closed = one.close()
    for (const contents of await Promise.all(reads)) t.is(contents?.length, 100_000)
    await closed
  }
})
