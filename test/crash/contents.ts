// Keys and values of the workloads, and the state of a database as the numbers of the writes that
// made it.

import type { DBSnapshot } from '../../ts/db/snapshot.ts'
import type { Database } from './engine.ts'
import { type History, NOTHING, type Writes } from './history.ts'
import { Violation } from './violation.ts'

/** A key that has a value, and the write that made it. */
export interface WrittenKey {
  readonly key: number
  readonly write: number
}

/** The bytes of write `number`: the number over and over, so that no two writes look alike. */
export function valueOf(number: number, sizeBytes: number): Buffer {
  const pattern = Buffer.from(`${number}.`)
  return Buffer.alloc(sizeBytes, pattern)
}

const KEYS = Array.from({ length: 64 }, (_, i) => Buffer.from(`key-${i}`))

export function keyOf(key: number): Buffer {
  return KEYS[key]!
}

/** The whole state of the database, as the numbers of the writes that made it. */
export function readState(db: Database, ...histories: readonly History[]): Writes {
  const state: number[] = []
  for (let key = 0; key < histories[0]!.keyCount; key++) {
    const value = db.getSync(keyOf(key))
    state.push(value === undefined ? NOTHING : numberOf(value, key, histories))
  }
  return state
}

/** Which write of whose history made the value. Throws where none did, whole and to the byte. */
function numberOf(value: Buffer, key: number, histories: readonly History[]): number {
  const number = Number.parseInt(value.toString('latin1', 0, 12), 10)
  for (const history of histories) {
    const write = history.expected(number)
    if (write?.key !== key || write.sizeBytes !== value.length) continue
    if (valueOf(number, value.length).equals(value)) return number
  }
  const start = value.subarray(0, 16).toString('latin1')
  throw new Violation(`key ${key} has ${value.length} bytes that no call wrote: ${start}`)
}

/** What an iterator must give for the state. */
export function entriesOf(state: Writes, isReverse: boolean): WrittenKey[] {
  const entries = state
    .map((write, key) => ({ key, write }))
    .filter(({ write }) => write !== NOTHING)
    .toSorted((a, b) => Buffer.compare(keyOf(a.key), keyOf(b.key)))
  return isReverse ? entries.toReversed() : entries
}

/** Throws a Violation where an entry is not the one expected; undefined stands for the end. */
export function checkEntry(
  found: readonly [Buffer, Buffer] | undefined,
  expected: WrittenKey | undefined,
  histories: readonly History[],
): void {
  const name = found?.[0].toString('latin1') ?? 'the end'
  const isKey = expected !== undefined && found?.[0].equals(keyOf(expected.key)) === true
  if (found === undefined && expected === undefined) return
  if (isKey && numberOf(found[1], expected.key, histories) === expected.write) return
  const due = expected === undefined ? 'the end' : `key ${expected.key} of write ${expected.write}`
  throw new Violation(`an iterator shows ${name} and not ${due}`)
}

/** Reads all with an iterator, in one direction. Throws a Violation where it is not the state. */
export function checkScan(
  db: Database,
  state: Writes,
  histories: readonly History[],
  isReverse: boolean,
  snapshot?: DBSnapshot,
): void {
  const iterator = db.iterator({ reverse: isReverse, ...(snapshot && { snapshot }) })
  try {
    for (const entry of [...entriesOf(state, isReverse), undefined]) {
      checkEntry(iterator.nextSync(), entry, histories)
    }
  } finally {
    // Nobody waits for a read of it, so it is closed at once.
    void iterator.close()
  }
}

/** The same with getMany, which reads on the pool. */
export async function checkGetMany(
  db: Database,
  state: Writes,
  histories: readonly History[],
  snapshot?: DBSnapshot,
): Promise<void> {
  const keys = state.map((_, key) => keyOf(key))
  const values = await db.getMany(keys, snapshot === undefined ? {} : { snapshot })
  const found = values.map((value, key) =>
    value === undefined ? NOTHING : numberOf(value, key, histories),
  )
  if (found.join() !== state.join()) {
    throw new Violation(`getMany shows ${found.join()} and not ${state.join()}`)
  }
}
