// Our end of a client process: orders in turn, each awaited.

import { Subprocess } from '../subprocess.ts'
import type { StoreName } from '../stores/store.ts'
import type { Answer, Order, Round } from './messages.ts'

export class Driver {
  readonly #child: Subprocess<Answer>
  #answered: ((answer: Answer) => void) | undefined

  private constructor(store: StoreName, path: string, sync: boolean) {
    const order: Order = { kind: 'open', store, path, sync }
    this.#child = new Subprocess<Answer>(new URL('client.js', import.meta.url), order, (answer) => {
      this.#answered?.(answer)
    })
  }

  /** Starts the process and opens the store at `path`, which must not exist. */
  static async open(store: StoreName, path: string, sync: boolean): Promise<Driver> {
    const driver = new Driver(store, path, sync)
    await driver.#answer()
    return driver
  }

  async round(writers: number, seconds: number, observe = false): Promise<Round> {
    const answer = await this.#ask({ kind: 'round', writers, seconds, observe })
    if (answer.kind !== 'round') throw new Error(`the client answered ${answer.kind} to a round`)
    return answer
  }

  async close(): Promise<void> {
    await this.#ask({ kind: 'close' })
    await this.#child.ended
  }

  #ask(order: Order): Promise<Answer> {
    const answer = this.#answer()
    this.#child.send(order)
    return answer
  }

  async #answer(): Promise<Answer> {
    const answered = new Promise<Answer>((resolve) => {
      this.#answered = resolve
    })
    const died = this.#child.ended.then(({ code, signal }) => {
      throw new Error(`the client ended with ${signal ?? code}`)
    })
    return Promise.race([answered, died])
  }
}
