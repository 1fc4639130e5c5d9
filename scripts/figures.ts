// Figures as people read them.

const WHOLE = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })

/** 12345.6 as '12,346'. */
export function count(value: number): string {
  return WHOLE.format(value)
}

/** Bytes as '12.3 MB', in powers of ten. */
export function megabytes(bytes: number): string {
  return `${fixed(bytes / 1e6, 1)} MB`
}

/** Milliseconds as '12.3 ms', or as '1.23 s' from one second on. */
export function duration(elapsedMs: number): string {
  return elapsedMs < 1000 ? `${fixed(elapsedMs, 1)} ms` : `${fixed(elapsedMs / 1000, 2)} s`
}

/** How many times `value` is what `base` is: '2.34 x', '12.3 x', '123 x'. */
export function ratio(value: number, base: number): string {
  const times = value / base
  return `${fixed(times, times < 10 ? 2 : times < 100 ? 1 : 0)} x`
}

export function fixed(value: number, digits: number): string {
  return value.toFixed(digits)
}

/** '1 file', '2 files'. Requires: the plural is the singular with an s. */
export function quantity(value: number, singular: string): string {
  return `${count(value)} ${singular}${value === 1 ? '' : 's'}`
}

/** Rows as aligned columns: the first one left, the others right. */
export function table(rows: readonly (readonly string[])[], indent = ''): string {
  const widths: number[] = []
  for (const row of rows) {
    for (const [column, cell] of row.entries()) {
      widths[column] = Math.max(widths[column] ?? 0, cell.length)
    }
  }
  return rows
    .map((row) => {
      const cells = row.map((cell, column) =>
        column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!),
      )
      return `${indent}${cells.join('   ').trimEnd()}`
    })
    .join('\n')
}

/** The middle one, or the mean of the two in the middle. Requires: at least one value. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
