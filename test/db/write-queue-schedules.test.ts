// The write queue under thousands of schedules: the order in which appends, waits for room and
// writers go on is a random one, some steps fail, and an oracle says what must come of it.

import * as fc from 'fast-check'
import test from 'ava'
import { WriteQueue } from '../../ts/db/write-queue.ts'
import {
  BatchBuffer,
  batchCount,
  BatchCursor,
  batchSequence,
  deleteRecordSize,
  putRecordSize,
} from '../../ts/format/batch.ts'
import { SluiceError } from '../../ts/format/error.ts'
import { SEED } from '../format/seed.ts'

const SCHEDULES = 20_000

type Action =
  | 'put'
  | 'put sync'
  | 'large put'
  | 'delete'
  | 'batch'
  | 'empty'
  | 'now'
  | 'now sync'
  | 'switch'
  | 'drain'
  | 'pause'

const actions: readonly Action[] = [
  'put',
  'put sync',
  'large put',
  'delete',
  'batch',
  'empty',
  'now',
  'now sync',
  'switch',
  'drain',
  'pause',
]

/** The n-th group to be appended, or to ask for room, fails; 0 for none. */
interface Plan {
  readonly perWriter: readonly (readonly Action[])[]
  readonly failingAppend: number
  readonly failingRoom: number
  readonly failsAtOnce: boolean
  readonly inline: readonly boolean[]
  /** Whether a write on the calling thread can wait for an append. */
  readonly joins: boolean
  readonly isOverfull: boolean
}

const plans: fc.Arbitrary<Plan> = fc.record({
  perWriter: fc.array(fc.array(fc.constantFrom(...actions), { maxLength: 6 }), {
    minLength: 1,
    maxLength: 4,
  }),
  failingAppend: fc.integer({ min: 0, max: 6 }),
  failingRoom: fc.integer({ min: 0, max: 6 }),
  failsAtOnce: fc.boolean(),
  inline: fc.array(fc.boolean(), { minLength: 1, maxLength: 5 }),
  joins: fc.boolean(),
  isOverfull: fc.boolean(),
})

/** Runs the plan and throws where the queue broke a promise. */
async function run(plan: Plan, scheduler: fc.Scheduler): Promise<void> {
  const memtable = new Map<number, string>()
  const logged: { sequence: number; count: number }[] = []
  /** Called, not settled: each call once, in the order of the calls. */
  const called: string[] = []
  /** Names in the order in which their outcomes came. */
  const settled: string[] = []
  const acknowledged: { readonly name: string; readonly writes: number }[] = []
  let published = 0
  let failure: SluiceError | undefined
  let appends = 0
  let rooms = 0
  let inFlight = 0
  /** Set where an append fails, at its beginning: whoever comes behind it hears so. */
  let isPoisoned = false
  const failed = new Set<number>()
  const isMixed = plan.perWriter.flat().some((action) => action.startsWith('now'))
  /** Switches do not hold up a write on the calling thread, so their turn is not looked at then. */
  const switches = new Set<string>()

  // Whether the append fails; one to a log that has failed already does not count as tried.
  const log = (bytes: Buffer): boolean => {
    const sequence = batchSequence(bytes, 0)
    const count = batchCount(bytes, 0)
    const last = logged.at(-1)
    if (last !== undefined && sequence !== last.sequence + last.count)
      throw new Error('a sequence was used twice, or left out')
    logged.push({ sequence, count })
    if (!isPoisoned) appends++
    if (appends === plan.failingAppend) isPoisoned = true
    if (isPoisoned) for (let i = 0; i < count; i++) failed.add(sequence + i)
    return isPoisoned
  }

  const queue = new WriteQueue(
    {
      makeRoom: (_sizeBytes, _count, force) => {
        if (inFlight > 0) throw new Error('the gate was asked while an append was under way')
        if (failure !== undefined) return Promise.reject(failure)
        rooms++
        if (rooms === plan.failingRoom) {
          if (plan.failsAtOnce) throw new Error('no room')
          return scheduler.schedule(Promise.resolve(), 'room').then(() => {
            throw new Error('no room')
          })
        }
        if (!force && plan.inline[rooms % plan.inline.length] === true) return undefined
        return scheduler.schedule(Promise.resolve(), 'room')
      },
      refusal: () => failure,
      append: (bytes) => {
        const fails = log(bytes)
        if (fails && plan.failsAtOnce) throw new Error('EIO')
        if (!fails && plan.inline[appends % plan.inline.length] === true) return undefined
        if (++inFlight > 1) throw new Error('two appends at once')
        return scheduler.schedule(Promise.resolve(), 'append').then(() => {
          inFlight--
          if (fails) throw new Error('EIO')
        })
      },
      canAppendNow: () => plan.joins || inFlight === 0,
      appendNow: (bytes) => {
        if (log(bytes)) throw new Error('EIO')
      },
      growFor: () => true,
      isOverfull: () => plan.isOverfull,
      insert: (batch, sequence) => {
        if (published >= sequence) throw new Error('inserted what was published')
        const cursor = new BatchCursor()
        cursor.reset(batch.bytes, 0, batch.end)
        let at = sequence
        while (cursor.next()) {
          memtable.set(at++, batch.bytes.toString('latin1', cursor.keyStart, cursor.keyEnd))
        }
      },
      publish: (sequence) => {
        if (sequence < published) throw new Error('published backwards')
        published = sequence
      },
      fail: (cause) => {
        failure ??= new SluiceError('LEVEL_IO_ERROR', 'refused', { cause })
        return new SluiceError('LEVEL_IO_ERROR', 'unknown', { cause })
      },
      countGroup: () => undefined,
      now: () => 0,
    },
    { groupLimitBytes: 1000, smallGroupLimitBytes: 300 },
    1,
  )

  const act = async (name: string, action: Action): Promise<void> => {
    const key = Buffer.from(name)
    let written: Promise<void> = Promise.resolve()
    let writes = 1
    if (action === 'pause') return
    if (action === 'drain') {
      const before = called.length
      await queue.drained()
      // Whatever was called before it has its outcome, though its writer may run a little later.
      await scheduler.schedule(Promise.resolve(), 'after drain')
      if (settled.length < before) throw new Error('drained before its time')
      return
    }
    if (action === 'now' || action === 'now sync') {
      const batch = new BatchBuffer()
      batch.put(key, key)
      try {
        queue.writeSync(batch, action === 'now sync')
        written = Promise.resolve()
        // Everything before it is visible with it.
        const seen = [...memtable].filter(([sequence]) => sequence <= published)
        if (seen.length === 0 || seen.at(-1)![1] !== name)
          throw new Error(`${name} is not the last`)
      } catch (error) {
        if (error instanceof SluiceError && error.code === 'LEVEL_BUSY') return
        written = Promise.reject(error)
      }
    }
    called.push(name)
    if (action === 'switch') {
      switches.add(name)
      writes = 0
      written = queue.switch()
    } else if (action === 'delete') {
      written = queue.delete(key, false, deleteRecordSize(key.length))
    } else if (action === 'batch' || action === 'empty') {
      const batch = new BatchBuffer()
      writes = action === 'batch' ? 2 : 0
      for (let i = 0; i < writes; i++) batch.put(Buffer.from(`${name}.${i}`), key)
      written = queue.write(batch, false)
      batch.clear()
    } else if (!action.startsWith('now')) {
      const value = Buffer.alloc(action === 'large put' ? 400 : 1)
      written = queue.put(
        key,
        value,
        action === 'put sync',
        putRecordSize(key.length, value.length),
      )
    }
    key.fill(0)
    try {
      await written
      settled.push(name)
      acknowledged.push({ name, writes })
      // What was acknowledged can be read from now on.
      const names = [...memtable]
        .filter(([sequence]) => sequence <= published)
        .map(([, found]) => found)
      if (writes > 0 && !names.some((found) => found.split('.')[0] === name))
        throw new Error(`${name} is not to be read`)
    } catch (error) {
      if (!(error instanceof Error)) throw error
      if (!['no room', 'refused', 'unknown'].includes(error.message)) throw error
      settled.push(name)
    }
  }

  const writers = plan.perWriter.map(async (list, writer) => {
    for (const [i, action] of list.entries()) {
      if (action === 'pause') await scheduler.schedule(Promise.resolve(), 'pause')
      else if (i % 2 === 0) await act(`w${writer}a${i}`, action)
      // Two at once, as a writer that does not await.
      else await Promise.all([act(`w${writer}a${i}`, action), act(`w${writer}b${i}`, 'put')])
    }
  })
  await scheduler.waitFor(Promise.all(writers))
  await scheduler.waitFor(queue.drained())

  if (settled.length !== called.length) throw new Error('a call was never settled, or twice')
  const inTurn = isMixed ? (name: string): boolean => !switches.has(name) : () => true
  const isOrdered = !isMixed || failure === undefined
  if (isOrdered && settled.filter(inTurn).join() !== called.filter(inTurn).join()) {
    throw new Error(`called ${called.join()} and settled ${settled.join()}`)
  }
  // Writes apply in the order of their calls.
  const visible = [...memtable]
    .filter(([sequence]) => sequence <= published)
    .toSorted(([a], [b]) => a - b)
  const order = visible
    .map(([, name]) => name.split('.')[0]!)
    .filter((name, i, all) => name !== all[i - 1])
  const expected = acknowledged.filter(({ writes }) => writes > 0).map(({ name }) => name)
  if (order.join() !== expected.join())
    throw new Error(`visible ${order.join()} for ${expected.join()}`)
  for (const [sequence] of visible)
    if (failed.has(sequence)) throw new Error('a failed write is visible')
  // After an append failed no other was tried.
  if (plan.failingAppend > 0 && appends > plan.failingAppend)
    throw new Error('appended to a log that failed')
  const last = logged.at(-1)
  if (queue.nextSequence !== (last === undefined ? 1 : last.sequence + last.count))
    throw new Error('nextSequence')
}

test('whatever the schedule, calls settle once and in order, and what is read is what was acknowledged', async (t) => {
  t.timeout(120_000)
  let runs = 0
  const result = await fc.check(
    fc.asyncProperty(plans, fc.scheduler(), async (plan, scheduler) => {
      runs++
      await run(plan, scheduler)
    }),
    { numRuns: SCHEDULES, seed: SEED, endOnFailure: false },
  )
  t.false(result.failed, `${fc.defaultReportMessage(result)}\n${String(result.errorInstance)}`)
  t.true(runs >= SCHEDULES)
})
