// Installs the packed package into empty folders, in the ways that users do, and uses it there.
//
//   npm run install-matrix                          on this Node
//   npm run install-matrix -- --nodes 20.19.0,22    on those too, which npm has as packages; they are
//                                                   kept in the user's cache
//   npm run install-matrix -- --sizes               sizes and install times beside classic-level and
//                                                   lmdb, for README.md
//
// npm takes the dependencies from its cache where that has them, else from the registry. A row that
// goes wrong says what was seen, and the exit code is 1.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { App } from './install/app.ts'
import { installNode } from './install/nodes.ts'
import { NPM_ROWS } from './install/npm-rows.ts'
import { installByLinks, makeApp, packPackage, shipBuiltModule } from './install/package-files.ts'
import { CHEAP_ROWS, type Row } from './install/rows.ts'
import { printSizes } from './install/sizes.ts'

const NAME_WIDTH = 44
let failures = 0

async function runRows(rows: readonly Row[], app: App): Promise<void> {
  for (const row of rows) {
    let seen: string
    try {
      seen = await row.run(app)
    } catch (error) {
      failures++
      seen = `FAILED: ${error instanceof Error ? error.message : String(error)}`
    }
    console.log(`  ${row.name.padEnd(NAME_WIDTH)} ${seen}`)
  }
}

async function runMatrix(directory: string, nodes: readonly string[]): Promise<void> {
  const tarball = await packPackage(directory)
  const rows = NPM_ROWS.map((row): Row => ({
    name: row.name,
    run: (app) => row.run(app, tarball),
  }))
  for (const version of ['', ...nodes]) {
    const node = version === '' ? process.execPath : await installNode(version)
    console.log(version === '' ? `Node ${process.versions.node}` : `Node ${version} (${node})`)
    const apps = join(directory, `node-${version}`)
    const linked = makeApp(join(apps, 'linked'))
    await installByLinks(linked, tarball)
    if (!shipBuiltModule(linked)) throw new Error('There is no native module: npm run prebuilds')
    await runRows(CHEAP_ROWS, new App(linked, node))
    await runRows(rows, new App(join(apps, 'npm'), node))
  }
}

const { values } = parseArgs({
  options: { nodes: { type: 'string', default: '' }, sizes: { type: 'boolean', default: false } },
})
const scratch = mkdtempSync(join(tmpdir(), 'sluicedb-install-'))
try {
  if (values.sizes) await printSizes(scratch)
  else await runMatrix(scratch, values.nodes.split(',').filter(Boolean))
  if (failures > 0) process.exitCode = 1
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
} finally {
  rmSync(scratch, { recursive: true })
}
