// Whole blocks of table files, read, checked and expanded in C++: one crossing in place, or one job for
// the blocks that a turn of the event loop asked for, up to some hundred.
//
// There is no twin in TypeScript: where these are missing, or refuse, ts/table does the same in steps,
// and has the say on what is wrong with a block.

/** Answers that are no size of contents. */
export const BLOCK_NOT_AT_HAND = -1
export const BLOCK_REFUSED = -2
/** The file system cannot tell what is in memory. */
export const BLOCK_NO_WAY = -3

/** Flags of a read. */
export const VERIFY = 1
export const ONLY_AT_HAND = 2
/** Of a search on the pool: the contents of the block are wanted too. */
export const WHOLE = 4

/** Numbers of a request: descriptor, position, stored size with the trailer, flags. */
const REQUEST_LENGTH = 4
/** Jobs at a time: each holds a thread of the pool, which others need too. */
const MOST_JOBS = 2
/** Requests of a job: some 5 ms, so that both jobs share a crowd of them and no thread is held long. */
const MOST_REQUESTS = 256
const INITIAL_REQUESTS = 64

/** What the native module has for it. The descriptor must stay open until the answer is there. */
export interface BlockReads {
  /** The size of the contents, which are at the beginning of `target` then, or one of the above. */
  readBlockSync(
    descriptor: number,
    position: number,
    storedSize: number,
    flags: number,
    target: Uint8Array,
  ): number
  /** The contents of the first `count` requests, each a Buffer of its own; undefined where refused. */
  readBlocks(requests: Float64Array, count: number): Promise<readonly (Buffer | undefined)[]>
}

type Answer = (contents: Buffer | undefined) => void

/** Gathers the reads of a turn into jobs; at most two run at a time. */
export class BlockReadQueue {
  readonly reads: BlockReads
  #requests = new Float64Array(REQUEST_LENGTH * INITIAL_REQUESTS)
  #answers: Answer[] = []
  #jobs = 0
  #isScheduled = false

  constructor(reads: BlockReads) {
    this.reads = reads
  }

  /** The contents in a buffer that is the caller's, or undefined when refused. Never rejects. */
  read(
    descriptor: number,
    position: number,
    storedSize: number,
    flags: number,
  ): Promise<Buffer | undefined> {
    return new Promise((resolve) => {
      const at = REQUEST_LENGTH * this.#answers.length
      if (at === this.#requests.length) this.#grow()
      const requests = this.#requests
      requests[at] = descriptor
      requests[at + 1] = position
      requests[at + 2] = storedSize
      requests[at + 3] = flags
      this.#answers.push(resolve)
      this.#schedule()
    })
  }

  // Not at once: others who are to run in this turn may ask for a block too.
  #schedule(): void {
    if (this.#isScheduled || this.#jobs === MOST_JOBS || this.#answers.length === 0) return
    this.#isScheduled = true
    queueMicrotask(() => {
      this.#isScheduled = false
      void this.#run()
    })
  }

  async #run(): Promise<void> {
    const answers = this.#answers.splice(0, MOST_REQUESTS)
    this.#jobs++
    const reading = this.#readAll(answers.length)
    // Those that are left move to the front, and are the next job's.
    const taken = answers.length
    const left = this.#answers.length
    this.#requests.copyWithin(0, REQUEST_LENGTH * taken, REQUEST_LENGTH * (taken + left))
    this.#schedule()
    const contents = await reading
    this.#jobs--
    // Before those are told who asked for the last ones: they may take their time.
    this.#schedule()
    for (const [i, answer] of answers.entries()) answer(contents[i])
  }

  async #readAll(count: number): Promise<readonly (Buffer | undefined)[]> {
    try {
      return await this.reads.readBlocks(this.#requests, count)
    } catch {
      // No job could be made: whoever asked reads in steps, and says what is wrong.
      return []
    }
  }

  #grow(): void {
    const larger = new Float64Array(2 * this.#requests.length)
    larger.set(this.#requests)
    this.#requests = larger
  }
}
