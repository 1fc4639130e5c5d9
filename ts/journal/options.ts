// The options of a log, checked in one table.

export interface LogOptions {
  /** Create the log, and its directory, when there is none. Default false. */
  readonly createIfMissing?: boolean
  /** Refuse to open a log that exists. Default false. */
  readonly errorIfExists?: boolean
  /**
   * Bytes at which a new file begins. A group of appends stays together, so a file may hold one group
   * that is larger. 1 KiB to 1 GiB, default 64 MiB.
   */
  readonly maxFileSize?: number
  /**
   * Bytes that may wait to be written; while there are as many, appends are refused with
   * LEVEL_QUEUE_FULL. An append alone is never refused. 1 B to 2^40, default 128 MiB.
   */
  readonly maxQueuedBytes?: number
  /** Bytes that a group of appends may grow to. 1 B to 1 GiB, default 1 MiB. */
  readonly groupLimitBytes?: number
  /**
   * True: opening reads every file, so that damage anywhere is found there. False: it reads the last
   * file, and damage in an earlier one is found by who reads it. Default true.
   */
  readonly verifyAll?: boolean
}

export type CheckedLogOptions = Required<LogOptions>

/** What to read of a log. */
export interface LogReadOptions {
  /** The position of the first record. Default: the first one that is there. */
  readonly from?: number
  /** True: at the end, waits for more. Default false: ends there. */
  readonly follow?: boolean
  /** Ends the reading with LEVEL_ABORTED. */
  readonly signal?: AbortSignal
}

export interface LogFileReadOptions extends LogReadOptions {
  /**
   * How often a reader that follows looks for more, at the least; it looks every millisecond where
   * records have just come. In milliseconds, 1 to 60,000, default 20.
   */
  readonly pollIntervalMs?: number
}

const DEFAULT_OPTIONS: CheckedLogOptions = {
  createIfMissing: false,
  errorIfExists: false,
  maxFileSize: 64 * 2 ** 20,
  maxQueuedBytes: 128 * 2 ** 20,
  groupLimitBytes: 2 ** 20,
  verifyAll: true,
}

const DEFAULT_POLL_INTERVAL_MS = 20

type Range = readonly [least: number, most: number]

const RANGES: Readonly<Record<string, Range>> = {
  maxFileSize: [1024, 2 ** 30],
  maxQueuedBytes: [1, 2 ** 40],
  groupLimitBytes: [1, 2 ** 30],
}

const BOOLEANS = ['createIfMissing', 'errorIfExists', 'verifyAll'] as const

/** The options with defaults filled in. Throws TypeError or RangeError that names the option. */
export function checkLogOptions(options: LogOptions): CheckedLogOptions {
  checkNames(options, Object.keys(DEFAULT_OPTIONS))
  const given = Object.entries(options).filter(([, value]) => value !== undefined)
  const checked: CheckedLogOptions = { ...DEFAULT_OPTIONS, ...Object.fromEntries(given) }
  for (const [name, range] of Object.entries(RANGES)) {
    checkNumber(name, checked[name as keyof LogOptions], range)
  }
  for (const name of BOOLEANS) checkBoolean(name, checked[name])
  return checked
}

/** The same for reading. `names`: the options that there are. */
export function checkReadOptions(options: LogFileReadOptions, names: readonly string[]): void {
  checkNames(options, names)
  const { from, follow, signal, pollIntervalMs } = options
  if (from !== undefined) checkNumber('from', from, [1, Number.MAX_SAFE_INTEGER])
  if (follow !== undefined) checkBoolean('follow', follow)
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new TypeError('signal must be an AbortSignal')
  }
  if (pollIntervalMs !== undefined) checkNumber('pollIntervalMs', pollIntervalMs, [1, 60_000])
}

export function pollIntervalOf({ pollIntervalMs }: LogFileReadOptions): number {
  return pollIntervalMs ?? DEFAULT_POLL_INTERVAL_MS
}

function checkNames(options: unknown, names: readonly string[]): void {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError('options must be an object')
  }
  for (const name of Object.keys(options)) {
    if (!names.includes(name)) throw new TypeError(`unknown option ${name}`)
  }
}

function checkBoolean(name: string, value: unknown): void {
  if (typeof value !== 'boolean') throw new TypeError(`${name} must be a boolean`)
}

/** Throws where `value` is no whole number of the range. */
export function checkNumber(name: string, value: unknown, [least, most]: Range): void {
  if (typeof value !== 'number') throw new TypeError(`${name} must be a number`)
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new RangeError(`${name} must be a whole number from ${least} to ${most}, not ${value}`)
  }
}
