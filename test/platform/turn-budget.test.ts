// Which questions are asked in place, by a clock that each of them moves.

import test from 'ava'
import { TurnBudget } from '../../ts/platform/turn-budget.ts'

/** Asks one question for each duration; says for each whether it was asked in place or by the pool. */
async function ask(durationsMs: readonly number[]): Promise<string[]> {
  let nowMs = 1000
  const budget = new TurnBudget(() => nowMs)
  const ways: string[] = []
  for (const durationMs of durationsMs) {
    const way = await budget.ask(
      () => {
        nowMs += durationMs
        return 'place'
      },
      async () => 'pool',
    )
    ways.push(way)
  }
  return ways
}

test('quick questions are asked in place until they took a millisecond together, then one by the pool', async (t) => {
  t.deepEqual(await ask([0.4, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4]), [
    'place',
    'place',
    'place',
    'pool',
    'place',
    'place',
    'place',
    'pool',
  ])
})

test('two slow questions are never asked in place one after the other', async (t) => {
  t.deepEqual(await ask([50, 50, 50, 50]), ['place', 'pool', 'place', 'pool'])
})

test('what a question fails with is its outcome, and its time counts', async (t) => {
  let nowMs = 0
  const budget = new TurnBudget(() => nowMs)
  const fails = (): never => {
    nowMs += 2
    throw new Error('in place')
  }
  await t.throwsAsync(
    budget.ask(fails, async () => 'pool'),
    { message: 'in place' },
  )
  t.is(await budget.ask(fails, async () => 'pool'), 'pool')
})
