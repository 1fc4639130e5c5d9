// abstract-level's test suite as tests of ava: each of its tests, written for tape, becomes one.
//
// Only the part of tape that the suite uses. A test ends when its function's promise settles, or, for
// one that is planned or ended by hand, when all that was planned was asserted or end() was called.

import { AssertionError, deepStrictEqual } from 'node:assert'
import type { ExecutionContext, TestFn } from 'ava'

type Body = (t: Tape) => unknown

export class Tape {
  readonly #t: ExecutionContext
  readonly #done: (error?: Error) => void
  #planned: number | undefined
  #asserted = 0
  /** Whether something but the function's return ends the test. */
  waits: boolean

  constructor(t: ExecutionContext, waits: boolean, done: (error?: Error) => void) {
    this.#t = t
    this.waits = waits
    this.#done = done
  }

  plan(count: number): void {
    this.#planned = count
    this.waits = true
  }

  end(error?: Error): void {
    this.#done(error)
  }

  ok(value: unknown, message?: string): void {
    this.#assert(Boolean(value), message, `${String(value)} is not truthy`)
  }

  is(actual: unknown, expected: unknown, message?: string): void {
    const what = `${String(actual)} is not ${String(expected)}`
    this.#assert(Object.is(actual, expected), message, what)
  }

  isNot(actual: unknown, expected: unknown, message?: string): void {
    this.#assert(!Object.is(actual, expected), message, `both are ${String(actual)}`)
  }

  same(actual: unknown, expected: unknown, message?: string): void {
    try {
      deepStrictEqual(actual, expected)
    } catch (error) {
      if (!(error instanceof AssertionError)) throw error
      this.#assert(false, message, error.message)
      return
    }
    this.#assert(true, message, '')
  }

  pass(message?: string): void {
    this.#assert(true, message, '')
  }

  fail(message?: string): void {
    this.#assert(false, message, 'it was not to be reached')
  }

  throws(act: () => unknown, message?: string): void {
    let hasThrown = false
    try {
      act()
    } catch {
      // What it throws is not the suite's question.
      hasThrown = true
    }
    this.#assert(hasThrown, message, 'it did not throw')
  }

  doesNotThrow(act: () => unknown, message?: string): void {
    act()
    this.#assert(true, message, '')
  }

  #assert(holds: boolean, message: string | undefined, what: string): void {
    this.#asserted++
    this.#t.true(holds, `${message ?? 'assertion'}: ${what}`)
    if (!holds) this.#done(new Error(`${message ?? 'assertion'}: ${what}`))
    else if (this.#asserted === this.#planned) this.#done()
    else if (this.#planned !== undefined && this.#asserted > this.#planned) {
      this.#t.fail(`more than the ${this.#planned} assertions that were planned`)
    }
  }
}

/** tape's `test`, registering with ava. Titles repeat in the suite, so each gets its number. */
export function tapeFor(test: TestFn): (title: string, body: Body) => void {
  let count = 0
  return (title, body) => {
    test.serial(`${++count}: ${title}`, (t) => run(t, body))
  }
}

async function run(t: ExecutionContext, body: Body): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const done = (error?: Error): void => {
      if (error) reject(error)
      else resolve()
    }
    const tape = new Tape(t, false, done)
    let result: unknown
    try {
      result = body(tape)
    } catch (error) {
      reject(error)
      return
    }
    // A function of callbacks returns nothing; a promise must settle in any case.
    if (!(result instanceof Promise)) return
    result.then(() => {
      if (!tape.waits) resolve()
    }, reject)
  })
  t.pass()
}
