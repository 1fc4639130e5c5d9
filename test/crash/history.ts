// The oracle: what was called, what was acknowledged when, and which states a recovery may show.
//
//   time   counts events (a call issued, settled, decided), so that "at the moment of the image" is
//          one number, and images can be judged long after they were taken
//   call   := pending, then acknowledged | failed | refused;   a failed call is decided later
//
//   A recovered state is legal when there is a number P such that it is the replay, in call order,
//   of the first P calls, where
//     every call that had to survive is among them: after a power cut those that a sync
//       acknowledgement covers, after a kill all that were acknowledged;
//     a failed call may be left out or not, as a whole; a refused one is never there.
//   Once a running database showed a failed call in or out, it stays so: it is decided.
//
// Values carry the number of the write that made them, so that a state says where it comes from.
// One leniency: a failed batch of which no put is visible counts as in or out key by key.

/** Number of a write, from 0; NOTHING where the key is absent. */
export type Writes = readonly number[]
export const NOTHING = -1

/** One put or deletion of a call. */
export interface KeyWrite {
  readonly key: number
  /** Bytes of the value; undefined for a deletion. */
  readonly sizeBytes: number | undefined
}

export interface Call {
  readonly index: number
  readonly sync: boolean
  /** Numbers of its writes: firstWrite .. firstWrite + writes.length - 1. */
  readonly firstWrite: number
  readonly writes: readonly KeyWrite[]
  readonly issuedAt: number
  outcome: 'pending' | 'acknowledged' | 'failed' | 'refused'
  settledAt: number
  /** When a sync acknowledgement began to cover it. */
  coveredAt: number
  /** When a running database first showed what became of a failed call, and what. */
  decidedAt: number
  isIn: boolean
}

interface NumberedWrite extends KeyWrite {
  readonly call: Call
}

/** What must have survived: only what a sync acknowledgement covers, or all that was acknowledged. */
export type Loss = 'power' | 'kill'

export class History {
  readonly keyCount: number
  readonly calls: Call[] = []
  /** By number. Numbers start at `firstWrite`, so that a second history's values are its own. */
  readonly #writes: NumberedWrite[] = []
  readonly #firstWrite: number
  readonly #writesOfKey: number[][]
  readonly #base: Writes
  #uncovered: Call[] = []
  #time = 0

  /** `base` is the state before the first call: what an earlier history left. */
  constructor(keyCount: number, base?: Writes, firstWrite = 0) {
    this.keyCount = keyCount
    this.#base = base ?? Array.from({ length: keyCount }, () => NOTHING)
    this.#firstWrite = firstWrite
    this.#writesOfKey = Array.from({ length: keyCount }, () => [])
  }

  /** The moment; nothing issued or settled later is known at it. */
  get time(): number {
    return this.#time
  }

  get nextWrite(): number {
    return this.#firstWrite + this.#writes.length
  }

  issue(writes: readonly KeyWrite[], sync: boolean): Call {
    const call: Call = {
      index: this.calls.length,
      sync,
      firstWrite: this.nextWrite,
      writes,
      issuedAt: ++this.#time,
      outcome: 'pending',
      settledAt: Infinity,
      coveredAt: Infinity,
      decidedAt: Infinity,
      isIn: false,
    }
    this.calls.push(call)
    for (const write of writes) {
      this.#writesOfKey[write.key]!.push(this.nextWrite)
      this.#writes.push({ ...write, call })
    }
    return call
  }

  acknowledge(call: Call): void {
    call.outcome = 'acknowledged'
    call.settledAt = ++this.#time
    this.#uncovered.push(call)
    if (!call.sync) return
    for (const covered of this.#uncovered) covered.coveredAt = this.#time
    this.#uncovered = []
  }

  /** The call was rejected and its outcome is unknown; `refused`: it cannot have reached the log. */
  fail(call: Call, refused: boolean): void {
    call.outcome = refused ? 'refused' : 'failed'
    call.settledAt = ++this.#time
  }

  /**
   * A running database shows `state`, with no call pending: failed calls are in or out from now on.
   * What is in counts as acknowledged now.
   */
  decide(state: Writes): void {
    this.#time++
    let isLaterIn = false
    for (const call of this.calls.toReversed()) {
      if (call.outcome !== 'failed' || call.decidedAt !== Infinity) continue
      call.decidedAt = this.#time
      // Where the state tells nothing: the log has no holes, so what is before a call that is in is
      // in; and what was not seen to be in is out.
      call.isIn = isLaterIn
      if (!this.#explainsAll(call, state)) call.isIn = !isLaterIn
      isLaterIn = call.isIn
      if (call.isIn) this.#uncovered.push(call)
    }
  }

  #explainsAll(call: Call, state: Writes): boolean {
    const forced = this.#visibleFailures(state, this.#time)
    return call.writes.every(({ key }) =>
      this.#explains(key, state[key]!, this.calls.length, this.#time, forced),
    )
  }

  /**
   * The history of a process that starts where another one was killed at `time`: what was pending
   * may be in or out, and what was issued later is refused. Its numbers of writes go on where this
   * history's end.
   */
  restartedAt(time: number): History {
    const copy = new History(this.keyCount, this.#base, this.#firstWrite)
    copy.#time = time
    const cut = (moment: number): number => (moment <= time ? moment : Infinity)
    for (const call of this.calls) {
      const known = call.settledAt <= time || call.outcome === 'refused'
      const isIssued = call.issuedAt <= time
      const restarted: Call = {
        ...call,
        outcome: !isIssued ? 'refused' : known ? call.outcome : 'failed',
        issuedAt: Math.min(call.issuedAt, time),
        settledAt: Math.min(call.settledAt, time),
        coveredAt: cut(call.coveredAt),
        decidedAt: cut(call.decidedAt),
        isIn: call.isIn && call.decidedAt <= time,
      }
      copy.calls.push(restarted)
      for (const write of call.writes) {
        copy.#writesOfKey[write.key]!.push(copy.nextWrite)
        copy.#writes.push({ ...write, call: restarted })
      }
      const isAcknowledged = restarted.outcome === 'acknowledged' || restarted.isIn
      if (isAcknowledged && restarted.coveredAt === Infinity) copy.#uncovered.push(restarted)
    }
    return copy
  }

  /** The key and size that write `number` must be read back with; undefined for no put of ours. */
  expected(number: number): KeyWrite | undefined {
    return this.#writes[number - this.#firstWrite]
  }

  /**
   * Undefined when `state` is legal for a crash at `time`; else a sentence that says what is wrong.
   * Requires: every number in `state` was issued by this history or is in its base.
   */
  judge(state: Writes, time: number, loss: Loss): string | undefined {
    let issued = 0
    let required = 0
    for (const call of this.calls) {
      if (call.issuedAt > time) break
      issued = call.index + 1
      if (this.#mustSurvive(call, time, loss)) required = issued
    }
    const forced = this.#visibleFailures(state, time)
    let why = ''
    for (let count = issued; count >= required; count--) {
      const wrong = this.#wrongKey(state, count, time, forced)
      if (wrong === undefined) return undefined
      if (why === '') why = this.#describe(wrong, state, count, time)
    }
    return `no prefix of ${required} to ${issued} calls explains the state: ${why}`
  }

  /**
   * What the running database must show: everything acknowledged, in call order, and no failed call
   * but those decided to be in. Requires: no call is pending.
   */
  runningState(): Writes {
    return this.#base.map((before, key) => {
      let expected = before
      for (const number of this.#writesOfKey[key]!) {
        const { call, sizeBytes } = this.#writeOf(number)
        if (call.outcome === 'acknowledged' || (call.outcome === 'failed' && call.isIn)) {
          expected = sizeBytes === undefined ? NOTHING : number
        }
      }
      return expected
    })
  }

  /** Undefined when `state` is that; else a sentence. Requires: no call is pending. */
  judgeRunning(state: Writes): string | undefined {
    const expected = this.runningState()
    const key = expected.findIndex((write, i) => state[i] !== write)
    if (key === -1) return undefined
    return `key ${key} shows ${this.#name(state[key]!)}, not ${this.#name(expected[key]!)}`
  }

  #writeOf(number: number): NumberedWrite {
    return this.#writes[number - this.#firstWrite]!
  }

  #mustSurvive(call: Call, time: number, loss: Loss): boolean {
    if (call.outcome === 'refused') return false
    if (loss === 'power') return call.coveredAt <= time
    if (call.outcome === 'failed') return call.isIn && call.decidedAt <= time
    return call.settledAt <= time
  }

  /** Whether the call may be missing from the middle of the prefix. */
  #isOptional(call: Call, time: number): boolean {
    return call.outcome === 'failed' && call.settledAt <= time && call.decidedAt > time
  }

  #isNever(call: Call, time: number): boolean {
    if (call.outcome === 'refused') return true
    return call.outcome === 'failed' && call.decidedAt <= time && !call.isIn
  }

  #visibleFailures(state: Writes, time: number): Set<Call> {
    const visible = new Set<Call>()
    for (const number of state) {
      const call = this.#writes[number - this.#firstWrite]?.call
      if (call !== undefined && this.#isOptional(call, time)) visible.add(call)
    }
    return visible
  }

  /** The first key that the replay of `count` calls does not explain. */
  #wrongKey(state: Writes, count: number, time: number, forced: Set<Call>): number | undefined {
    for (let key = 0; key < this.keyCount; key++) {
      if (!this.#explains(key, state[key]!, count, time, forced)) return key
    }
    return undefined
  }

  #explains(key: number, seen: number, count: number, time: number, forced: Set<Call>): boolean {
    const numbers = this.#writesOfKey[key]!
    for (let i = numbers.length - 1; i >= 0; i--) {
      const number = numbers[i]!
      const { call, sizeBytes } = this.#writeOf(number)
      if (call.index >= count || this.#isNever(call, time)) continue
      if (seen === (sizeBytes === undefined ? NOTHING : number)) return true
      if (!this.#isOptional(call, time) || forced.has(call)) return false
    }
    return seen === this.#base[key]
  }

  #describe(key: number, state: Writes, count: number, time: number): string {
    const last = this.#writesOfKey[key]!.findLast((number) => {
      const { call } = this.#writeOf(number)
      return call.index < count && !this.#isNever(call, time)
    })
    const expected =
      last === undefined
        ? this.#base[key]!
        : this.#writeOf(last).sizeBytes === undefined
          ? NOTHING
          : last
    return `after ${count} calls key ${key} is ${this.#name(expected)}, found ${this.#name(state[key]!)}`
  }

  #name(number: number): string {
    if (number === NOTHING) return 'absent'
    const write = this.#writes[number - this.#firstWrite]
    if (write === undefined) return `write ${number} of before`
    return `write ${number} of call ${write.call.index} (${write.call.outcome})`
  }
}
