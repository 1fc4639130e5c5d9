// Ways to damage one file of a database.

import type { Random } from '../crash/random.ts'
import type { Image } from './image.ts'
import { couldStandAt } from './table-layout.ts'

const SECTOR_BYTES = 512

export interface Damage {
  readonly kind: string
  readonly file: string
  /** What the file holds now; undefined where it is gone. */
  readonly bytes: Buffer | undefined
  /** What differs lies in these: from .. to - 1 of the file as it was. */
  readonly ranges: readonly (readonly [from: number, to: number])[]
}

type Way = (bytes: Buffer, random: Random, image: Image, file: string) => Part | undefined
type Part = Pick<Damage, 'bytes' | 'ranges'>

const WAYS: readonly (readonly [kind: string, weight: number, way: Way])[] = [
  ['a flipped bit', 40, flipBit],
  ['flipped bits', 10, flipBits],
  ['a truncation', 10, truncate],
  ['a zeroed sector', 10, zeroSector],
  ['a zeroed end', 3, zeroEnd],
  ['a sector of noise', 5, noiseSector],
  ['a sector of another place', 6, moveSector],
  ['swapped blocks', 14, swapBlocks],
  ['a block of another table', 6, foreignBlock],
  ['bytes behind the end', 2, append],
  ['no bytes', 1, empty],
  ['no file', 1, remove],
]

/** Damage that changes something. */
export function someDamage(image: Image, random: Random): Damage {
  for (;;) {
    const file = someFile(image, random)
    const [kind, way] = someWay(random)
    const bytes = image.files.get(file)!
    const part = way(bytes, random, image, file)
    if (part === undefined || part.bytes?.equals(bytes) === true) continue
    return { kind, file, ...part }
  }
}

function someFile(image: Image, random: Random): string {
  const draw = random.below(100)
  if (draw < 60) return random.pick(image.tables).name
  if (draw < 80) return image.logName
  if (draw < 97) return [...image.files.keys()].find((name) => name.startsWith('MANIFEST'))!
  return 'CURRENT'
}

function someWay(random: Random): readonly [kind: string, way: Way] {
  let draw = random.below(WAYS.reduce((sum, [, weight]) => sum + weight, 0))
  for (const [kind, weight, way] of WAYS) {
    if (draw < weight) return [kind, way]
    draw -= weight
  }
  throw new Error('the weights have no end')
}

/** A copy of `bytes` with `patch` at `at`. */
function patched(bytes: Buffer, at: number, patch: Uint8Array): Part {
  const copy = Buffer.from(bytes)
  copy.set(patch.subarray(0, bytes.length - at), at)
  return { bytes: copy, ranges: [[at, Math.min(bytes.length, at + patch.length)]] }
}

function flipBit(bytes: Buffer, random: Random): Part | undefined {
  if (bytes.length === 0) return undefined
  const at = random.below(bytes.length)
  return patched(bytes, at, Buffer.from([bytes[at]! ^ (1 << random.below(8))]))
}

function flipBits(bytes: Buffer, random: Random): Part | undefined {
  if (bytes.length === 0) return undefined
  const at = random.below(bytes.length)
  const part = Buffer.from(bytes.subarray(at, at + random.between(2, 40)))
  for (let i = 0; i < part.length; i++) part[i]! ^= random.next() & 0xff
  return patched(bytes, at, part)
}

function truncate(bytes: Buffer, random: Random, image: Image, file: string): Part | undefined {
  if (bytes.length === 0) return undefined
  const isBound = file === image.logName && random.percent(30)
  const length = isBound ? random.pick(image.recordBounds) : random.below(bytes.length)
  return { bytes: bytes.subarray(0, length), ranges: [[length, bytes.length]] }
}

function sectorAt(bytes: Buffer, random: Random): number {
  return SECTOR_BYTES * random.below(Math.ceil(bytes.length / SECTOR_BYTES))
}

function zeroSector(bytes: Buffer, random: Random): Part | undefined {
  if (bytes.length === 0) return undefined
  return patched(bytes, sectorAt(bytes, random), Buffer.alloc(SECTOR_BYTES))
}

function zeroEnd(bytes: Buffer, random: Random): Part | undefined {
  if (bytes.length === 0) return undefined
  const at = random.below(bytes.length)
  return patched(bytes, at, Buffer.alloc(bytes.length - at))
}

function noiseSector(bytes: Buffer, random: Random): Part | undefined {
  if (bytes.length === 0) return undefined
  return patched(bytes, sectorAt(bytes, random), random.bytes(SECTOR_BYTES))
}

function moveSector(bytes: Buffer, random: Random): Part | undefined {
  if (bytes.length === 0) return undefined
  const from = sectorAt(bytes, random)
  return patched(bytes, sectorAt(bytes, random), bytes.subarray(from, from + SECTOR_BYTES))
}

/** Two data blocks of one size, trailers and all: every checksum is right. */
function swapBlocks(bytes: Buffer, random: Random, image: Image, file: string): Part | undefined {
  const blocks = image.tables.find(({ name }) => name === file)?.dataBlocks
  if (blocks === undefined) return undefined
  const first = random.pick(blocks)
  const size = first.end - first.offset
  const others = blocks.filter((block) => block !== first && block.end - block.offset === size)
  if (others.length === 0) return undefined
  const second = random.pick(others)
  const copy = Buffer.from(bytes)
  copy.set(bytes.subarray(second.offset, second.end), first.offset)
  copy.set(bytes.subarray(first.offset, first.end), second.offset)
  return {
    bytes: copy,
    ranges: [
      [first.offset, first.end],
      [second.offset, second.end],
    ],
  }
}

/** A block of the same size that another table has, with keys that have no business there. */
function foreignBlock(bytes: Buffer, random: Random, image: Image, file: string): Part | undefined {
  const table = image.tables.find(({ name }) => name === file)
  if (table === undefined) return undefined
  const place = random.pick(table.dataBlocks)
  const other = random.pick(image.tables)
  if (other === table) return undefined
  const fitting = other.dataBlocks.filter(
    (block) =>
      block.end - block.offset === place.end - place.offset && !couldStandAt(block, table, place),
  )
  if (fitting.length === 0) return undefined
  const { offset, end } = random.pick(fitting)
  return patched(bytes, place.offset, image.files.get(other.name)!.subarray(offset, end))
}

function append(bytes: Buffer, random: Random): Part {
  const length = random.between(1, 600)
  const more = random.percent(50) ? Buffer.alloc(length) : random.bytes(length)
  return { bytes: Buffer.concat([bytes, more]), ranges: [[bytes.length, bytes.length + length]] }
}

function empty(bytes: Buffer): Part {
  return { bytes: Buffer.alloc(0), ranges: [[0, bytes.length]] }
}

function remove(bytes: Buffer): Part {
  return { bytes: undefined, ranges: [[0, bytes.length]] }
}
