// The gate: LevelDB's MakeRoomForWrite, each rule and each wait, in a world of a few variables.

import test from 'ava'
import {
  DELAY_LEVEL0_FILES,
  type GateEnvironment,
  makeRoom,
  STOP_LEVEL0_FILES,
} from '../../ts/db/gate.ts'

class World implements GateEnvironment {
  limits = { delayLevel0Files: DELAY_LEVEL0_FILES, stopLevel0Files: STOP_LEVEL0_FILES }
  /** What the gate did and what it waited for, in order. */
  readonly calls: string[] = []
  readonly stalls: (readonly [cause: string, durationMs: number])[] = []
  nowMs = 1000
  error: Error | undefined
  files = 0
  delayMs = 1
  room = true
  frozen = false
  /** What each wait and the switch do to this world; by default what LevelDB's does. */
  onDelay = (): void => undefined
  onFlushed = (): void => {
    this.frozen = false
  }
  onLevel0 = (): void => {
    this.files--
  }
  onSwitch = (): void => {
    this.frozen = true
    this.room = true
  }

  failure(): Error | undefined {
    return this.error
  }
  level0FileCount(): number {
    return this.files
  }
  level0DelayMs(): number {
    return this.delayMs
  }
  hasRoom(): boolean {
    return this.room
  }
  hasFrozenMemtable(): boolean {
    return this.frozen
  }
  memtableFlushed(): Promise<void> {
    return this.#wait('flush', 7, this.onFlushed)
  }
  level0Changed(): Promise<void> {
    return this.#wait('level 0', 11, this.onLevel0)
  }
  switchMemtable(): Promise<void> {
    return this.#wait('switch', 3, this.onSwitch)
  }
  delay(durationMs: number): Promise<void> {
    return this.#wait(`delay ${durationMs}`, durationMs, this.onDelay)
  }
  now(): number {
    return this.nowMs
  }
  countStall(cause: string, durationMs: number): void {
    this.stalls.push([cause, durationMs])
  }

  async #wait(name: string, durationMs: number, effect: () => void): Promise<void> {
    this.calls.push(name)
    if (this.calls.length > 100) throw new Error('the gate goes round and round')
    await Promise.resolve()
    this.nowMs += durationMs
    effect()
  }
}

test("the limits are LevelDB's", (t) => {
  t.deepEqual([DELAY_LEVEL0_FILES, STOP_LEVEL0_FILES], [8, 12])
})

test('with room in the memtable a group passes at once', async (t) => {
  for (const files of [0, 7]) {
    const world = Object.assign(new World(), { files })
    await makeRoom(world, false)
    t.deepEqual([world.calls, world.stalls], [[], []])
  }
})

test('with room a frozen memtable stops nobody', async (t) => {
  const world = Object.assign(new World(), { frozen: true })
  await makeRoom(world, false)
  t.deepEqual(world.calls, [])
})

test('from eight files of level 0 a group is delayed by what the pace asks for, once', async (t) => {
  for (const files of [8, 11, 12, 50]) {
    const world = Object.assign(new World(), { files, delayMs: 5 })
    await makeRoom(world, false)
    t.deepEqual(world.calls, ['delay 5'])
    t.deepEqual(world.stalls, [['level0-delay', 5]])
    await makeRoom(world, false)
    t.deepEqual(world.calls, ['delay 5', 'delay 5'])
  }
})

test('where the pace asks for nothing, nobody waits', async (t) => {
  const world = Object.assign(new World(), { files: 9, delayMs: 0, room: false, frozen: true })
  await makeRoom(world, false)
  t.deepEqual(world.calls, ['flush', 'switch'])
  t.deepEqual(world.stalls, [['memtable', 7]])
})

test('the delay comes first, and is not repeated before another wait', async (t) => {
  const world = Object.assign(new World(), { files: 9, room: false, frozen: true })
  await makeRoom(world, false)
  t.deepEqual(world.calls, ['delay 1', 'flush', 'switch'])
  t.deepEqual(world.stalls, [
    ['level0-delay', 1],
    ['memtable', 7],
  ])
})

test('a full memtable is switched', async (t) => {
  const world = Object.assign(new World(), { room: false })
  await makeRoom(world, false)
  t.deepEqual([world.calls, world.stalls, world.frozen], [['switch'], [], true])
})

test('a full memtable waits for the one before it', async (t) => {
  const world = Object.assign(new World(), { room: false, frozen: true })
  await makeRoom(world, false)
  t.deepEqual(world.calls, ['flush', 'switch'])
  t.deepEqual(world.stalls, [['memtable', 7]])
})

test('at twelve files of level 0 a full memtable waits until there are fewer', async (t) => {
  const world = Object.assign(new World(), { files: 14, room: false })
  world.limits.delayLevel0Files = Number.POSITIVE_INFINITY
  await makeRoom(world, false)
  t.deepEqual(world.calls, ['level 0', 'level 0', 'level 0', 'switch'])
  t.deepEqual(world.stalls, [
    ['level0-stop', 11],
    ['level0-stop', 11],
    ['level0-stop', 11],
  ])
  const fewer = Object.assign(new World(), { files: 11, room: false })
  await makeRoom(fewer, false)
  t.deepEqual(fewer.calls, ['delay 1', 'switch'])
})

test('a frozen memtable is waited for before level 0', async (t) => {
  const world = Object.assign(new World(), { files: 12, room: false, frozen: true })
  await makeRoom(world, false)
  t.deepEqual(world.calls, ['delay 1', 'flush', 'level 0', 'switch'])
})

test('a forced switch is made although there is room, once, and without the delay', async (t) => {
  const world = Object.assign(new World(), { files: 8 })
  await makeRoom(world, true)
  t.deepEqual([world.calls, world.stalls], [['switch'], []])
})

test('a forced switch waits as any other does', async (t) => {
  const world = Object.assign(new World(), { files: 12, frozen: true })
  await makeRoom(world, true)
  t.deepEqual(world.calls, ['flush', 'level 0', 'switch'])
})

test('a forced switch into a memtable without room switches again', async (t) => {
  const world = new World()
  let switches = 0
  world.onSwitch = (): void => {
    world.room = ++switches === 2
    world.frozen = true
  }
  await makeRoom(world, true)
  t.deepEqual(world.calls, ['switch', 'flush', 'switch'])
})

test('a failure refuses before anything else is looked at', async (t) => {
  for (const force of [false, true]) {
    const world = Object.assign(new World(), { error: new Error('poisoned'), files: 20 })
    await t.throwsAsync(makeRoom(world, force), { message: 'poisoned' })
    t.deepEqual(world.calls, [])
  }
})

test('a failure during any wait refuses the group', async (t) => {
  const waits = {
    onDelay: { files: 8 },
    onFlushed: { room: false, frozen: true },
    onLevel0: { room: false, files: 12 },
    onSwitch: { room: false },
  } as const
  for (const [wait, state] of Object.entries(waits)) {
    const world = Object.assign(new World(), state)
    if (wait === 'onLevel0') world.limits.delayLevel0Files = Number.POSITIVE_INFINITY
    Object.assign(world, {
      [wait]: () => {
        world.error = new Error(`failed in ${wait}`)
      },
    })
    await t.throwsAsync(makeRoom(world, false), { message: `failed in ${wait}` })
    t.is(world.calls.length, 1)
  }
})

test('a switch that cannot be made is the error of the group', async (t) => {
  const world = Object.assign(new World(), { room: false })
  world.onSwitch = (): void => {
    throw new Error('EMFILE')
  }
  await t.throwsAsync(makeRoom(world, false), { message: 'EMFILE' })
  t.deepEqual(world.calls, ['switch'])
})

test('what changed during a wait is looked at again', async (t) => {
  // Room appears while it waits for the flush: nothing is switched.
  const roomy = Object.assign(new World(), { room: false, frozen: true })
  roomy.onFlushed = (): void => {
    roomy.room = true
  }
  await makeRoom(roomy, false)
  t.deepEqual(roomy.calls, ['flush'])

  // The delay let another memtable freeze.
  const frozen = Object.assign(new World(), { files: 8, room: false })
  frozen.onDelay = (): void => {
    frozen.frozen = true
  }
  await makeRoom(frozen, false)
  t.deepEqual(frozen.calls, ['delay 1', 'flush', 'switch'])

  // The flush made the twelfth file.
  const fuller = Object.assign(new World(), { files: 11, room: false, frozen: true })
  fuller.onFlushed = (): void => {
    fuller.frozen = false
    fuller.files++
  }
  await makeRoom(fuller, false)
  t.deepEqual(fuller.calls, ['delay 1', 'flush', 'level 0', 'switch'])

  // Level 0 shrank during the delay, so nothing is left to wait for.
  const shrunk = Object.assign(new World(), { files: 12, room: false })
  shrunk.onDelay = (): void => {
    shrunk.files = 3
  }
  await makeRoom(shrunk, false)
  t.deepEqual(shrunk.calls, ['delay 1', 'switch'])
})

test('limits at infinity switch the rules of level 0 off', async (t) => {
  const world = Object.assign(new World(), { files: 1000, room: false })
  const never = Number.POSITIVE_INFINITY
  world.limits = { delayLevel0Files: never, stopLevel0Files: never }
  await makeRoom(world, false)
  t.deepEqual(world.calls, ['switch'])
})
