// Finds promises that never settle. Nothing here waits for a clock: the simulated world has come to
// rest when the event loop turns and nothing in it happens.

import { Violation } from './violation.ts'

// Turns of the event loop without an answer. A simulated run takes some hundreds.
const PATIENCE_TURNS = 100_000

/** What `work` gives, or a Violation where it has not settled when everything came to rest. */
export async function watched<T>(what: string, work: Promise<T>): Promise<T> {
  let turn: NodeJS.Immediate | undefined
  const rest = new Promise<never>((_resolve, reject) => {
    let turns = 0
    const next = (): void => {
      if (++turns > PATIENCE_TURNS) reject(new Violation(`${what} never settles`))
      else turn = setImmediate(next)
    }
    turn = setImmediate(next)
  })
  try {
    return await Promise.race([work, rest])
  } finally {
    clearImmediate(turn)
  }
}
