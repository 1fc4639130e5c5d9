// What parent and child of a soak hand each other: the state that a life begins with, in a file, and
// the child's lines.
//
//   state := next write: u32  write[keys]: u32  size[keys]: u32       in this machine's byte order

import { Oracle } from './oracle.ts'

export interface Gauges {
  readonly rssBytes: number
  readonly descriptors: number
  readonly diskBytes: number
  readonly liveBytes: number
  readonly stallMs: number
}

export function encodeOracle({ writes, sizes, nextWrite }: Oracle): Uint8Array {
  const words = new Uint32Array(1 + writes.length + sizes.length)
  words[0] = nextWrite
  words.set(writes, 1)
  words.set(sizes, 1 + writes.length)
  return new Uint8Array(words.buffer)
}

export function decodeOracle(bytes: Uint8Array, keyCount: number): Oracle {
  const words = new Uint32Array(bytes.slice().buffer)
  return new Oracle(words.slice(1, 1 + keyCount), words.slice(1 + keyCount), words[0]!)
}
