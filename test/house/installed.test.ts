// The package as it is when a user has it installed: packed, unpacked into an empty folder, and used
// there in every way that needs no network. `npm run install-matrix` does more, with npm and compilers.

import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core'
import test from 'ava'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { App } from '../../scripts/install/app.ts'
import {
  installByLinks,
  installedPackage,
  makeApp,
  packPackage,
  shipBuiltModule,
} from '../../scripts/install/package-files.ts'
import { CHEAP_ROWS } from '../../scripts/install/rows.ts'

const directory = fs.mkdtempSync(join(tmpdir(), 'sluicedb-installed-'))
const app = makeApp(join(directory, 'app'))
let tarball = ''
let hasModule = false

test.before(async () => {
  tarball = await packPackage(directory)
  await installByLinks(app, tarball)
  hasModule = shipBuiltModule(app)
})

test.after.always(() => fs.rmSync(directory, { recursive: true }))

/** require() of ES modules is younger than the tool, and node10 is older than `exports`. */
function isOfEsm(problem: object): boolean {
  if (!('resolutionKind' in problem)) return true
  return problem.resolutionKind !== 'node10' && problem.resolutionKind !== 'node16-cjs'
}

// One after the other: some of them take the module away for a while.
for (const row of CHEAP_ROWS) {
  test.serial(`the installed package works ${row.name}`, async (t) => {
    if (!hasModule) {
      t.pass('there is no native module here')
      return
    }
    const seen = await row.run(new App(app))
    t.true(seen.length > 0)
    t.log(seen)
  })
}

test('publint has nothing to say of the package', async (t) => {
  const pkgDir = installedPackage(app)
  const { messages, pkg } = await publint({ pkgDir, pack: false, strict: true })
  t.deepEqual(
    messages.map((message) => formatMessage(message, pkg)),
    [],
  )
})

test('its types resolve wherever ES modules do, and are those of what runs', async (t) => {
  const checked = await checkPackage(createPackageFromTarballData(fs.readFileSync(tarball)))
  if (!checked.types) {
    t.fail('no types were found')
    return
  }
  t.deepEqual(checked.problems.filter(isOfEsm), [])
})
