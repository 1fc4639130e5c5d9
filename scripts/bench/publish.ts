// Puts the figures of a run where readers look: a short table into README.md and all of them into
// docs/benchmarks.md, each between two marks, and the chart in docs/ that README.md shows.

import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const ROOT = new URL('../../../', import.meta.url)
const README = fileURLToPath(new URL('README.md', ROOT))
const BENCHMARKS = fileURLToPath(new URL('docs/benchmarks.md', ROOT))
const CHART = fileURLToPath(new URL('docs/bench.svg', ROOT))
const IMAGE = '![Rates beside other stores](docs/bench.svg)'
const BEGIN = '<!-- figures: begin -->'
const END = '<!-- figures: end -->'

/** Figures as Markdown, and as a chart. */
export interface Published {
  readonly brief: string
  readonly full: string
  readonly chart: string
}

/** Throws when one of the documents lacks a mark. */
export function publish({ brief, full, chart }: Published): void {
  writeFileSync(CHART, chart)
  writeBetweenMarks(README, `${brief.trim()}\n\n${IMAGE}`)
  writeBetweenMarks(BENCHMARKS, full)
}

function writeBetweenMarks(document: string, markdown: string): void {
  const text = readFileSync(document, 'utf8')
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)]
  if (begin === -1 || end < begin) throw new Error(`${document} lacks ${BEGIN} or ${END}`)
  const part = `${BEGIN}\n\n${markdown.trim()}\n\n`
  writeFileSync(document, text.slice(0, begin) + part + text.slice(end))
}
