// Operations that read single keys, at the newest state.

import type { Random } from '../crash/random.ts'
import { describeKey } from './key-space.ts'
import type { OperationKind } from './operations.ts'
import type { World } from './world.ts'

export const READ_OPERATIONS: readonly OperationKind[] = [
  {
    name: 'get',
    weight: 120,
    run: (world, random) => get(world, random, random.pick(world.keys.keys)),
  },
  {
    name: 'get sync',
    weight: 120,
    run: (world, random) => getSync(world, random, random.pick(world.keys.keys)),
  },
  {
    name: 'get something else',
    weight: 40,
    run: (world, random) => get(world, random, world.keys.probe(random)),
  },
  {
    name: 'get sync something else',
    weight: 40,
    run: (world, random) => getSync(world, random, world.keys.probe(random)),
  },
  { name: 'gets at once', weight: 10, run: getsAtOnce },
  { name: 'get every key', weight: 4, run: getEveryKey },
  { name: 'read what is written', weight: 10, run: readWhatIsWritten },
]

async function get(world: World, random: Random, key: Buffer): Promise<void> {
  world.note = describeKey(key)
  const view = world.view()
  const found = await world.db.get(key, { fillCache: random.percent(80) })
  view.expectValue(key, found)
  world.saw(view)
}

function getSync(world: World, random: Random, key: Buffer): void {
  world.note = describeKey(key)
  const view = world.view()
  view.expectValue(key, world.db.getSync(key, { fillCache: random.percent(80) }))
  world.saw(view)
}

/** Each has a view of its own: writes may end between one call and the next answer. */
async function getsAtOnce(world: World, random: Random): Promise<void> {
  const keys = Array.from({ length: random.between(2, 30) }, () => world.keys.probe(random))
  await Promise.all(keys.map((key) => get(world, random, key)))
}

function getEveryKey(world: World): void {
  const view = world.view()
  for (const key of world.keys.keys) view.expectValue(key, world.db.getSync(key))
  world.saw(view)
}

/** A read behind an acknowledged write sees it, though others are under way. */
async function readWhatIsWritten(world: World, random: Random): Promise<void> {
  await world.settle()
  const key = random.below(world.keys.size)
  const value = world.value(random)
  const name = world.keys.keys[key]!
  const written = world.db.put(name, value)
  world.write([{ key, value }], () => written)
  await written
  await Promise.all([get(world, random, name), get(world, random, random.pick(world.keys.keys))])
}
