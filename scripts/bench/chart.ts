// The rates of the benchmark as one SVG: a group of bars for each row, each group on a scale of its
// own, as the rows differ a thousandfold. Drawn by hand, as it is rectangles and words.

import { count } from '../figures.ts'
import { STORE_NAMES } from '../stores/store.ts'
import type { StoreName } from '../stores/store.ts'
import type { MeasuredRow } from './summary.ts'

const LABEL_WIDTH = 260
const BAR_WIDTH = 480
const FIGURE_WIDTH = 100
const BAR_HEIGHT = 12
const GROUP_GAP = 14
const HEADING_HEIGHT = 44
const MARGIN = 12
const COLOURS: Readonly<Record<StoreName, string>> = {
  sluicedb: '#1f6feb',
  'classic-level': '#9aa4b2',
  lmdb: '#d29922',
  'better-sqlite3': '#3fb950',
}

const escape = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

/** The rows that are rates; the others are not drawn. */
export function chartOf(title: string, rows: readonly MeasuredRow[]): string {
  const drawn = rows.filter(({ row }) => row.unit === 'per second')
  const parts: string[] = []
  let y = HEADING_HEIGHT
  for (const one of drawn) {
    parts.push(...group(one, y))
    y += Object.keys(one.figures).length * BAR_HEIGHT + GROUP_GAP
  }
  const width = LABEL_WIDTH + BAR_WIDTH + FIGURE_WIDTH
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${y}" viewBox="0 0 ${width} ${y}"`,
    '  font-family="system-ui, sans-serif" font-size="11">',
    `<rect width="${width}" height="${y}" fill="#ffffff"/>`,
    text(MARGIN, 18, title, 'font-weight="600" font-size="13"'),
    ...legend(),
    ...parts,
    '</svg>',
    '',
  ].join('\n')
}

function legend(): string[] {
  return STORE_NAMES.flatMap((store, index) => {
    const x = LABEL_WIDTH + index * 120
    return [
      `<rect x="${x}" y="26" width="10" height="10" fill="${COLOURS[store]}"/>`,
      text(x + 14, 35, store),
    ]
  })
}

function group({ row, figures }: MeasuredRow, top: number): string[] {
  const stores = STORE_NAMES.filter((store) => figures[store] !== undefined)
  const most = Math.max(...stores.map((store) => figures[store]!.median))
  const middle = top + (stores.length * BAR_HEIGHT) / 2 + 4
  const bars = stores.flatMap((store, index) => {
    const figure = figures[store]!.median
    const width = Math.max(1, Math.round((figure / most) * BAR_WIDTH))
    const y = top + index * BAR_HEIGHT
    const bar = `<rect x="${LABEL_WIDTH}" y="${y}" width="${width}" height="${BAR_HEIGHT - 2}" fill="${COLOURS[store]}"/>`
    return [bar, text(LABEL_WIDTH + width + 4, y + 9, `${count(figure)}/s`)]
  })
  return [text(MARGIN, middle, row.title.trim()), ...bars]
}

function text(x: number, y: number, words: string, more = ''): string {
  return `<text x="${x}" y="${y}" fill="#1f2328"${more === '' ? '' : ` ${more}`}>${escape(words)}</text>`
}
