// Writes the declarations into docs/api.md: `node dist/scripts/api-docs.js`, after a build.
//
// The page is written by hand but for the parts between `<!-- api: A B C -->` and `<!-- api end -->`,
// which hold what the declarations of A, B and C say; behind `<!-- api list: A B C -->`, their heads
// alone. Every name that the package exports must be in one part, and nothing else;
// test/docs/api.test.ts compares the page with what would be written.

import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { join } from 'node:path'
import { declarationsOf, type ExportedName, exportsOf } from './api/declarations.ts'
import { renderExport, renderHeads } from './api/render.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
export const API_PAGE: string = join(ROOT, 'docs', 'api.md')

const PART = /<!-- (api|api list): ([\w ]+) -->\n[^]*?<!-- api end -->/g

/** The exported names of every entry of the package, with the files of their declarations. */
export function packageExports(): Map<string, ExportedName> {
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    exports: unknown
  }
  const names = new Map<string, ExportedName>()
  for (const types of new Set(typesIn(manifest.exports))) {
    for (const [name, one] of exportsOf(join(ROOT, types))) names.set(name, one)
  }
  return names
}

/** Every `types` in the conditions of the entries. */
function typesIn(conditions: unknown): string[] {
  if (typeof conditions !== 'object' || conditions === null) return []
  return Object.entries(conditions).flatMap(([name, value]: [string, unknown]) =>
    name === 'types' && typeof value === 'string' ? [value] : typesIn(value),
  )
}

/** The page with its parts as the declarations have them. Throws for a name too many or missing. */
export function renderPage(page: string, exports: ReadonlyMap<string, ExportedName>): string {
  const left = new Map(exports)
  const rendered = page.replaceAll(PART, (_part, kind: string, list: string) => {
    const found = list.split(' ').map((name) => {
      const exported = left.get(name)
      if (exported === undefined)
        throw new Error(`docs/api.md has ${name} twice, or it is not exported`)
      left.delete(name)
      return { declarations: declarationsOf(exported.file, name), isType: exported.isType }
    })
    const texts =
      kind === 'api list'
        ? [renderHeads(found.flatMap(({ declarations }) => declarations))]
        : found.map(({ declarations, isType }) => renderExport(declarations, isType))
    return `<!-- ${kind}: ${list} -->\n\n${texts.join('\n\n')}\n\n<!-- api end -->`
  })
  if (left.size > 0) throw new Error(`docs/api.md lacks ${[...left.keys()].join(', ')}`)
  return rendered
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(API_PAGE, renderPage(readFileSync(API_PAGE, 'utf8'), packageExports()))
}
