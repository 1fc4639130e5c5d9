// Turns of the event loop for those who wait for answers that are there at once.
//
// A loop of `await get()` over what is in memory runs on microtasks alone: timers and sockets would
// wait for its end. So after some thousand answers in one turn, the next ones wait for the next turn.
//
// Whether the event loop has turned is not looked at with every answer: setImmediate costs as much as
// a get. Only who has had a hundred answers begins to watch.

/** Answers from which on it is watched when the turn ends. */
const WATCHED_ANSWERS = 128
/** Answers of one turn: some 3 ms of them. */
const ANSWERS_A_TURN = 2048

export class AnswerBudget {
  /** Since the last turn that was watched. */
  #answers = 0
  #turn: Promise<void> | undefined

  /** Counts an answer. Undefined where it may be given at once; else the turn that it waits for. */
  spend(): Promise<void> | undefined {
    if (++this.#answers < WATCHED_ANSWERS) return undefined
    this.#turn ??= this.#watch()
    return this.#answers > ANSWERS_A_TURN ? this.#turn : undefined
  }

  async #watch(): Promise<void> {
    await nextTurn()
    this.#answers = 0
    this.#turn = undefined
  }
}

/** Resolves when timers, sockets and others have had their turn. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}
