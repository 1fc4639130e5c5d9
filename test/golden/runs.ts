// Runs a scenario with either implementation, and keeps the files it leaves after each session.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Implementation, openStore } from '../interop/stores.ts'
import type { Scenario } from './scenarios.ts'

/** The bytes of a directory's files by name. */
export type Files = ReadonlyMap<string, Buffer>

/** The log of messages, and the lock: nobody's data. */
const NOT_DATA = new Set(['LOG', 'LOG.old', 'LOCK'])

/** The files after each session. Requires: `directory` does not exist, or is empty. */
export async function runScenario(
  { options, sessions }: Scenario,
  implementation: Implementation,
  directory: string,
): Promise<Files[]> {
  const left: Files[] = []
  for (const calls of sessions) {
    const store = await openStore(implementation, directory, { ...options, compress: false })
    for (const call of calls) await store.write(call)
    await store.close()
    left.push(filesIn(directory))
  }
  return left
}

function filesIn(directory: string): Files {
  const names = readdirSync(directory).filter((name) => !NOT_DATA.has(name))
  return new Map(names.toSorted().map((name) => [name, readFileSync(join(directory, name))]))
}

/** Where two files begin to differ, or undefined. */
export function byteDifference(found: Buffer, expected: Buffer): string | undefined {
  if (found.equals(expected)) return undefined
  let at = 0
  while (at < found.length && found[at] === expected[at]) at++
  const show = (bytes: Buffer): string => bytes.subarray(at, at + 16).toString('hex')
  return (
    `${found.length} bytes where ${expected.length} are expected, differing from byte ${at}: ` +
    `${show(found)} for ${show(expected)}`
  )
}
