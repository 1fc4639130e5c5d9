// How far a step is: a bar on a terminal, a line per quarter of the way elsewhere.

import cliProgress from 'cli-progress'
import { count } from '../figures.ts'

export interface Progress {
  update(done: number): void
  stop(): void
}

const QUARTERS = 4

/** `unit` names what is counted, in the plural. */
export function showProgress(total: number, unit: string): Progress {
  return process.stdout.isTTY ? bar(total, unit) : lines(total, unit)
}

function bar(total: number, unit: string): Progress {
  const single = new cliProgress.SingleBar(
    {
      format: `   {bar} {percentage} %  {value} of {total} ${unit}`,
      formatValue: (value, _options, type) =>
        type === 'percentage' ? String(value).padStart(3) : count(value),
      barsize: 40,
      hideCursor: true,
      stream: process.stdout,
    },
    cliProgress.Presets.shades_classic,
  )
  single.start(total, 0)
  return {
    update: (done) => single.update(done),
    stop: () => single.stop(),
  }
}

function lines(total: number, unit: string): Progress {
  let quarter = 0
  return {
    update(done) {
      const reached = Math.floor((done / total) * QUARTERS)
      if (reached === quarter) return
      quarter = reached
      console.log(`   ${count(done)} of ${count(total)} ${unit}`)
    },
    stop: () => undefined,
  }
}
