// Our end of a client process: orders in turn, each awaited.

import { Subprocess } from '../subprocess.ts'
import type { Answer, Load, OpenOrder, Order, Work } from './messages.ts'

type WorkOrder = Exclude<Order, { kind: 'open' | 'load' | 'close' }>

export class Driver {
  readonly #child: Subprocess<Answer>
  #answered: ((answer: Answer) => void) | undefined

  private constructor(order: OpenOrder) {
    this.#child = new Subprocess<Answer>(new URL('client.js', import.meta.url), order, (answer) => {
      this.#answered?.(answer)
    })
  }

  /** Starts the process and opens the store. */
  static async open(order: Omit<OpenOrder, 'kind'>): Promise<Driver> {
    const driver = new Driver({ kind: 'open', ...order })
    await driver.#answer()
    return driver
  }

  async work(order: WorkOrder): Promise<Work> {
    const answer = await this.#ask(order)
    if (answer.kind !== 'work') throw new Error(`the client answered ${answer.kind}`)
    return answer
  }

  async load(entries: number): Promise<Load> {
    const answer = await this.#ask({ kind: 'load', entries })
    if (answer.kind !== 'load') throw new Error(`the client answered ${answer.kind} to a load`)
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
