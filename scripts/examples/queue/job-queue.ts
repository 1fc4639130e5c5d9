// Example: a job queue that loses no job, whatever ends the process.
//
//   const queue = await JobQueue.open<Mail>('./jobs', { visibilityMs: 30_000 })
//   await queue.enqueue({ to: 'ada@example.org' })      on the disk when this resolves
//   const job = await queue.claim()                     undefined when nothing is due
//   await send(job.payload)
//   await queue.ack(job)                                done for ever
//
// A worker that dies acknowledges nothing, and when `visibilityMs` have passed since its claim, the
// job is due again. So a job is done at least once, and a worker must bear to see one twice.
//
// Two sublevels, always changed together in one atomic batch:
//   jobs   <id>           -> { payload, attempts }
//   due    <time>-<id>    -> nothing
// A job has one key in `due`, whose time says from when on it may be claimed. A claim moves that key
// into the future, a retry moves it as well, and ack removes it. There is no other state, so there
// is nothing to mend after a crash.
//
// The front of a queue is where everything was deleted, and a deletion stays to be stepped over until
// a compaction drops it: a scan from the beginning would get slower with every job that is done. So
// the queue remembers from where on there can be keys.
//
// Run it:  npm run example -- queue

import { SluiceLevel } from 'sluicedb'

export interface QueueOptions {
  /** How long a claimed job is hidden from other workers. Default 30,000. */
  readonly visibilityMs?: number
  /** The clock. Default Date.now. */
  readonly now?: () => number
}

export interface Job<Payload> {
  readonly id: string
  readonly payload: Payload
  /** 1 when it is claimed for the first time. */
  readonly attempts: number
  /** Its key in `due` while the claim holds. */
  readonly dueKey: string
}

type StoredJob<Payload> = Pick<Job<Payload>, 'payload' | 'attempts'>

/** The claim ran out: by now the job is another worker's, or done. */
export class ClaimLostError extends Error {}

// With leading zeros the order of keys, which is that of their bytes, is the order of the numbers.
const TIME_DIGITS = 15
const ID_DIGITS = 12
const DURABLE = { sync: true }

export class JobQueue<Payload> {
  readonly #db
  readonly #jobs
  readonly #due
  readonly #visibilityMs: number
  readonly #now: () => number
  #lastId: number
  /** Keys of `due` that a change in flight is going to remove. */
  readonly #taken = new Set<string>()
  /** No key of `due` is below it. Read and written in turn only. */
  #front = ''
  #lastTurn: Promise<unknown> = Promise.resolve()

  private constructor(
    db: SluiceLevel,
    lastId: number,
    { visibilityMs = 30_000, now = Date.now }: QueueOptions,
  ) {
    this.#db = db
    this.#jobs = db.sublevel<string, StoredJob<Payload>>('jobs', { valueEncoding: 'json' })
    this.#due = db.sublevel('due')
    this.#lastId = lastId
    this.#visibilityMs = visibilityMs
    this.#now = now
  }

  /** Opens the queue in `directory`, and makes it where there is none. */
  static async open<Payload>(
    directory: string,
    options: QueueOptions = {},
  ): Promise<JobQueue<Payload>> {
    const db = new SluiceLevel(directory)
    const [lastId = '0'] = await db.sublevel('jobs').keys({ reverse: true, limit: 1 }).all()
    return new JobQueue<Payload>(db, Number(lastId), options)
  }

  /** Resolves to the job's id when it is on the disk. It is due in `delayMs`. */
  async enqueue(payload: Payload, delayMs = 0): Promise<string> {
    const id = String(++this.#lastId).padStart(ID_DIGITS, '0')
    const dueKey = this.#dueKey(delayMs, id)
    await this.#db.batch<string, unknown>(
      [
        { type: 'put', sublevel: this.#jobs, key: id, value: { payload, attempts: 0 } },
        { type: 'put', sublevel: this.#due, key: dueKey, value: '' },
      ],
      DURABLE,
    )
    await this.#added(dueKey)
    return id
  }

  /** The job that has been due for the longest time, or undefined where none is due. */
  claim(): Promise<Job<Payload> | undefined> {
    return this.#take(
      () => this.#firstDue(),
      async (oldKey) => {
        const id = oldKey.slice(TIME_DIGITS + 1)
        const { payload, attempts } = (await this.#jobs.get(id))!
        const job = {
          id,
          payload,
          attempts: attempts + 1,
          dueKey: this.#dueKey(this.#visibilityMs, id),
        }
        await this.#move(oldKey, job)
        return job
      },
    )
  }

  /** The job is done. Rejects with ClaimLostError when the claim ran out and was taken over. */
  async ack(job: Job<Payload>): Promise<void> {
    await this.#takeHeld(job, (dueKey) =>
      this.#db.batch(
        [
          { type: 'del', sublevel: this.#jobs, key: job.id },
          { type: 'del', sublevel: this.#due, key: dueKey },
        ],
        DURABLE,
      ),
    )
  }

  /** Gives the job back, to be claimed again in `delayMs`. Rejects as ack does. */
  async retry(job: Job<Payload>, delayMs = 0): Promise<void> {
    await this.#takeHeld(job, (dueKey) =>
      this.#move(dueKey, { ...job, dueKey: this.#dueKey(delayMs, job.id) }),
    )
  }

  /** Milliseconds until a job is due, 0 where one is; undefined where there are no jobs at all. */
  async dueInMs(): Promise<number | undefined> {
    const [first] = await this.#inTurn(() => this.#due.keys({ gte: this.#front, limit: 1 }).all())
    if (first === undefined) return undefined
    return Math.max(0, Number(first.slice(0, TIME_DIGITS)) - this.#now())
  }

  close(): Promise<void> {
    return this.#db.close()
  }

  async #move(oldKey: string, { id, payload, attempts, dueKey }: Job<Payload>): Promise<void> {
    await this.#db.batch<string, unknown>(
      [
        { type: 'del', sublevel: this.#due, key: oldKey },
        { type: 'put', sublevel: this.#due, key: dueKey, value: '' },
        { type: 'put', sublevel: this.#jobs, key: id, value: { payload, attempts } },
      ],
      DURABLE,
    )
    await this.#added(dueKey)
  }

  async #added(dueKey: string): Promise<void> {
    await this.#inTurn(async () => {
      if (dueKey < this.#front) this.#front = dueKey
    })
  }

  async #firstDue(): Promise<string | undefined> {
    let isFirst = true
    for await (const key of this.#due.keys({ gte: this.#front, lt: this.#dueKey(1, '') })) {
      if (isFirst) this.#front = key
      isFirst = false
      if (!this.#taken.has(key)) return key
    }
    return undefined
  }

  async #takeHeld(job: Job<Payload>, change: (dueKey: string) => Promise<void>): Promise<void> {
    const { dueKey, id } = job
    let isHeld = false
    await this.#take(async () => {
      isHeld = !this.#taken.has(dueKey) && (await this.#due.has(dueKey))
      return isHeld ? dueKey : undefined
    }, change)
    if (!isHeld) throw new ClaimLostError(`the claim of job ${id} ran out`)
  }

  /** Runs `change` as the only one that touches the key of `due` that `choose` finds. */
  async #take<T>(
    choose: () => Promise<string | undefined>,
    change: (dueKey: string) => Promise<T>,
  ): Promise<T | undefined> {
    const dueKey = await this.#inTurn(async () => {
      const key = await choose()
      if (key !== undefined) this.#taken.add(key)
      return key
    })
    if (dueKey === undefined) return undefined
    try {
      // Many at a time: their batches share a sync.
      return await change(dueKey)
    } finally {
      // Between two choices and never during one: an iterator shows the moment when it was made, and
      // would offer the key once more.
      await this.#inTurn(async () => this.#taken.delete(dueKey))
    }
  }

  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const turn = this.#lastTurn.then(act)
    // Whoever waits for the turn hears of its failure; the next turn comes all the same.
    this.#lastTurn = turn.catch(() => undefined)
    return turn
  }

  #dueKey(inMs: number, id: string): string {
    return `${String(this.#now() + inMs).padStart(TIME_DIGITS, '0')}-${id}`
  }
}
