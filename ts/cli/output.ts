// What commands say: lines for people, or with --json one JSON value, or one a line for long lists.

import type { Readable, Writable } from 'node:stream'
import cliProgress from 'cli-progress'

export interface Output {
  readonly isJson: boolean
  /** A result: `value` with --json, else the lines. */
  result(value: unknown, lines: readonly string[]): void
  /** One of many results. Resolves when the reader can take more. */
  item(value: unknown, line: string): Promise<void>
  /** Several of many, as lines of their own. Resolves when the reader can take more. */
  lines(lines: readonly string[]): Promise<void>
  /** A bar on a terminal; nothing elsewhere, where it would only be in the way. */
  progress(): Progress
  /** The same for work whose end nobody knows: how many `things` it has come to. */
  counter(things: string): Counter
}

export interface Progress {
  update(doneBytes: number, totalBytes: number): void
  stop(): void
}

export interface Counter {
  update(count: number): void
  stop(): void
}

/** What a command talks to: the process's own streams, or a test's. */
export interface Streams {
  readonly input: Readable & { readonly isTTY?: boolean }
  readonly out: Writable & { readonly isTTY?: boolean }
  readonly error: Writable & { readonly isTTY?: boolean }
  /** From now on an interruption no longer ends the process: the signal that is returned tells it. */
  interruption(): AbortSignal
}

export function makeOutput(isJson: boolean, { out, error }: Streams): Output {
  const write = async (text: string): Promise<void> => {
    if (out.write(text)) return
    await new Promise<void>((resolve) => out.once('drain', resolve))
  }
  return {
    isJson,
    result: (value, lines) => {
      out.write(isJson ? `${toJson(value)}\n` : lines.map((line) => `${line}\n`).join(''))
    },
    item: (value, line) => write(`${isJson ? toJson(value) : line}\n`),
    lines: (lines) => write(lines.map((line) => `${line}\n`).join('')),
    progress: () => (error.isTTY === true ? bar(error) : SILENT),
    // Not where the results themselves go to the same terminal.
    counter: (things) =>
      error.isTTY === true && out.isTTY !== true ? counterOf(things, error) : SILENT,
  }
}

const SILENT: Progress & Counter = { update: () => undefined, stop: () => undefined }

function bar(stream: Writable): Progress {
  const single = new cliProgress.SingleBar(
    {
      format: '{bar} {percentage} %  {value} of {total}',
      formatValue: (value, _options, type) =>
        type === 'percentage' ? String(value).padStart(3) : sizeText(value),
      barsize: 40,
      hideCursor: true,
      clearOnComplete: true,
      stream,
    },
    cliProgress.Presets.shades_classic,
  )
  // From the first step on: before it nobody knows of how much.
  return {
    update: (doneBytes, totalBytes) => {
      if (!single.isActive) single.start(totalBytes, 0)
      single.setTotal(totalBytes)
      single.update(doneBytes)
    },
    stop: () => {
      if (single.isActive) single.stop()
    },
  }
}

const COUNTER_EVERY_MS = 100

function counterOf(things: string, stream: Writable): Counter {
  let shownMs = 0
  return {
    update: (count) => {
      const nowMs = performance.now()
      if (nowMs - shownMs < COUNTER_EVERY_MS) return
      shownMs = nowMs
      stream.write(`\r${count.toLocaleString('en-US')} ${things}`)
    },
    // Clears the line.
    stop: () => {
      stream.write('\r\u001b[K')
    },
  }
}

/** '1 file', '2,000 files'. Requires: the plural is the singular with an s. */
export function quantity(count: number, singular: string): string {
  return `${count.toLocaleString('en-US')} ${singular}${count === 1 ? '' : 's'}`
}

/** Bytes for people. */
export function sizeText(sizeBytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let value = sizeBytes
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]!}`
}

// Buffers as hexadecimal text: JSON.stringify would list their bytes as numbers.
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_name, item: unknown) => {
    if (isPackedBuffer(item)) return Buffer.from(item.data).toString('hex')
    return item instanceof Error ? item.message : item
  })
}

// Buffer.toJSON comes before the replacer.
function isPackedBuffer(item: unknown): item is { readonly data: number[] } {
  return typeof item === 'object' && item !== null && 'type' in item && item.type === 'Buffer'
}
