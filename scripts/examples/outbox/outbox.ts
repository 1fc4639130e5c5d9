// An outbox on `sluicedb/log`: a message is on the disk before the caller goes on, and is delivered
// afterwards, in order, at least once.
//
//   wal/        the log, a record for each message
//   delivered   the position of the last message that was delivered
//
// send ── append, durable ── the caller goes on
// deliver in order ── store the position, atomically ── whole files before it are removed
//
// Why at least once: a process may die between a delivery and the storing of its position. Whoever is
// delivered to knows a message by its position, and can leave out what it has.

import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Log } from 'sluicedb/log'

export interface Message<Body> {
  readonly position: number
  readonly body: Body
}

export type Deliver<Body> = (message: Message<Body>) => Promise<void>

// Storing the position for each message would cost more than delivering a few of them again.
const STORE_EVERY = 100

export class Outbox<Body> {
  readonly #log: Log
  readonly #file: string
  readonly #deliver: Deliver<Body>
  readonly #stop = new AbortController()
  #delivered: number
  #delivering: Promise<void> | undefined

  private constructor(log: Log, file: string, delivered: number, deliver: Deliver<Body>) {
    this.#log = log
    this.#file = file
    this.#delivered = delivered
    this.#deliver = deliver
  }

  /** Opens the outbox in `directory`; nothing is delivered before start(). */
  static async open<Body>(directory: string, deliver: Deliver<Body>): Promise<Outbox<Body>> {
    const log = await Log.open(join(directory, 'wal'), {
      createIfMissing: true,
      maxFileSize: 2 ** 20,
    })
    const file = join(directory, 'delivered')
    // What was removed had been delivered, also where a power cut has brought an older file back.
    const delivered = Math.max(await storedPosition(file), log.firstPosition - 1)
    return new Outbox(log, file, delivered, deliver)
  }

  /** The position of the last message that was delivered. */
  get delivered(): number {
    return this.#delivered
  }

  /** Messages that are not delivered yet. */
  get waiting(): number {
    return this.#log.lastPosition - this.#delivered
  }

  /** Resolves to the message's position when it is on the disk. */
  send(body: Body): Promise<number> {
    return this.#log.append(Buffer.from(JSON.stringify(body)))
  }

  /** Delivers what was not delivered yet, and what comes. Rejects with what `deliver` rejects with. */
  start(): Promise<void> {
    this.#delivering ??= this.#run()
    return this.#delivering
  }

  /** Delivers no more, stores how far it came, and closes. */
  async close(): Promise<void> {
    this.#stop.abort()
    await Promise.allSettled([this.#delivering]) // Whoever called start() has its error.
    await this.#store()
    await this.#log.close()
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop
    const from = this.#delivered + 1
    try {
      for await (const { position, record } of this.#log.read({ from, follow: true, signal })) {
        await this.#deliver({ position, body: JSON.parse(record.toString()) as Body })
        this.#delivered = position
        if (position % STORE_EVERY === 0) await this.#store()
      }
    } catch (error) {
      if (!signal.aborted) throw error
    }
  }

  async #store(): Promise<void> {
    const temporary = `${this.#file}.new`
    await writeFile(temporary, String(this.#delivered), { flush: true })
    await rename(temporary, this.#file)
    // Older than what is stored: nobody will ask for it again.
    await this.#log.removeBefore(this.#delivered + 1)
  }
}

async function storedPosition(file: string): Promise<number> {
  try {
    return Number(await readFile(file, 'utf8'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0
    throw error
  }
}
