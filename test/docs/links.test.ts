// What the documents point to is there.

import fs from 'node:fs'
import { dirname, join } from 'node:path'
import test from 'ava'
import { ROOT } from '../house/source-tree.ts'

const guides = fs
  .readdirSync(join(ROOT, 'docs'))
  .filter((name) => name.endsWith('.md'))
  .map((name) => join('docs', name))

/** The anchor that a heading gets. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\w\- ]/g, '')
    .replaceAll(' ', '-')
}

for (const document of ['README.md', 'CONTRIBUTING.md', ...guides]) {
  test(`every link in ${document} leads somewhere`, (t) => {
    const text = fs.readFileSync(join(ROOT, document), 'utf8')
    for (const [, link] of text.matchAll(/\]\((?!https?:)([^)\s]+)\)/g)) {
      const [file = '', anchor] = link!.split('#')
      const path = file === '' ? join(ROOT, document) : join(ROOT, dirname(document), file)
      t.true(fs.existsSync(path), link)
      if (anchor === undefined) continue
      const headings = fs.readFileSync(path, 'utf8').matchAll(/^#+ (.*)$/gm)
      t.true(
        [...headings].some(([, heading]) => anchorOf(heading!) === anchor),
        link,
      )
    }
    t.pass()
  })
}
