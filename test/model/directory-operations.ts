// Operations on the database as a whole: opening again, refusals, and what it says of itself.

import { DB, SluiceError, WriteBatch } from '../../ts/index.ts'
import type { Random } from '../crash/random.ts'
import type { OperationKind } from './operations.ts'
import { OPTION_SETS } from './option-sets.ts'
import { Violation } from './view.ts'
import type { World } from './world.ts'

export const DIRECTORY_OPERATIONS: readonly OperationKind[] = [
  { name: 'reopen', weight: 3, run: (world) => reopen(world) },
  { name: 'reopen with other options', weight: 3, run: reopenWithOtherOptions },
  { name: 'verify', weight: 2, run: verify },
  { name: 'open twice', weight: 1, run: openTwice },
  { name: 'resume', weight: 2, run: (world) => world.db.resume() },
  { name: 'refused input', weight: 6, run: refusedInput },
  { name: 'aborted write', weight: 3, run: abortedWrite },
  { name: 'stats', weight: 5, run: stats },
]

/** With writes under way, if there are: closing lets them end. */
async function reopen(world: World): Promise<void> {
  await world.close()
  await world.open()
}

/** What was closed has no fault, and nothing in it that nobody needs. */
async function verify(world: World): Promise<void> {
  await world.close()
  const { ok, problems } = await DB.verify(world.directory)
  if (!ok || problems.length > 0) throw new Violation(`verify: ${JSON.stringify(problems)}`)
  await world.open()
}

/** Tables of one shape under those of another. */
async function reopenWithOtherOptions(world: World, random: Random): Promise<void> {
  const other = random.pick(OPTION_SETS)
  world.note = other.name
  await world.close()
  await world.open(other.options)
}

async function openTwice(world: World): Promise<void> {
  try {
    const second = await DB.open(world.directory)
    await second.close()
  } catch (error) {
    const cause = error instanceof SluiceError ? error.cause : undefined
    if (cause instanceof SluiceError && cause.code === 'LEVEL_LOCKED') return
    throw error
  }
  throw new Violation('an open database was opened once more')
}

/** Each is refused by itself, between writes that are taken. */
async function refusedInput(world: World, random: Random): Promise<void> {
  const key = random.pick(world.keys.keys)
  const wrong = undefined as unknown as Uint8Array
  const calls: readonly (readonly [code: string, call: () => Promise<unknown>])[] = [
    ['LEVEL_INVALID_KEY', () => world.db.put(wrong, key)],
    ['LEVEL_INVALID_VALUE', () => world.db.put(key, wrong)],
    ['LEVEL_INVALID_KEY', () => world.db.delete(wrong)],
    ['LEVEL_INVALID_KEY', () => world.db.get(wrong)],
    ['LEVEL_INVALID_VALUE', async () => new WriteBatch().put(key, wrong)],
  ]
  const [code, call] = random.pick(calls)
  await expectCode(code, call())
}

async function abortedWrite(world: World, random: Random): Promise<void> {
  const options = { signal: AbortSignal.abort() }
  const key = random.pick(world.keys.keys)
  const call = random.percent(50)
    ? world.db.put(key, Buffer.from('never'), options)
    : world.db.delete(key, options)
  await expectCode('LEVEL_ABORTED', call)
}

export async function expectCode(code: string, call: Promise<unknown>): Promise<void> {
  const outcome = await call.then(
    () => 'success',
    (error: unknown) => (error instanceof SluiceError ? error.code : String(error)),
  )
  if (outcome !== code) throw new Violation(`${code} was due, and ${outcome} came`)
}

/** What stats say has to fit together. */
function stats(world: World): void {
  const { levels, lastSequence, failure, memtable } = world.db.stats()
  if (failure !== undefined) throw failure
  if (levels.length !== 7) throw new Violation(`${levels.length} levels`)
  for (const { files, sizeBytes } of levels) {
    if (files === 0 ? sizeBytes !== 0 : sizeBytes < 48 * files) {
      throw new Violation(`${files} files of ${sizeBytes} bytes`)
    }
  }
  if (memtable.entries > 0 && memtable.usedBytes === 0) throw new Violation('entries of no bytes')
  if (!Number.isSafeInteger(lastSequence)) throw new Violation(`sequence ${lastSequence}`)
}
