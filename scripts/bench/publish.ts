// Puts the figures of a run where readers look: a part of README.md between two marks, and the
// chart in docs/ that it shows.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

const README = fileURLToPath(new URL('../../../README.md', import.meta.url))
const CHART = fileURLToPath(new URL('../../../docs/bench.svg', import.meta.url))
const IMAGE = '![Rates beside classic-level and lmdb](docs/bench.svg)'
const BEGIN = '<!-- figures: begin -->'
const END = '<!-- figures: end -->'

/** Throws when README.md lacks a mark. */
export function publish(markdown: string, chart: string): void {
  const text = readFileSync(README, 'utf8')
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)]
  if (begin === -1 || end < begin) throw new Error(`README.md lacks ${BEGIN} or ${END}`)
  const part = `${BEGIN}\n\n${IMAGE}\n\n${markdown.trim()}\n\n`
  mkdirSync(dirname(CHART), { recursive: true })
  writeFileSync(CHART, chart)
  writeFileSync(README, text.slice(0, begin) + part + text.slice(end))
}
