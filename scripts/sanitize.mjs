// Runs the core's own tests, and the tests of the platform floor and of parity, under AddressSanitizer
// with UndefinedBehaviorSanitizer and then under ThreadSanitizer. For Linux with g++.
//
//   node scripts/sanitize.mjs [address] [thread]      (both when none is named)
//
// Steps for each, all under build/sanitize/<name>, so that build/Release stays what it was:
//   1. cmake-js builds the module and core_test with the sanitizer
//   2. core_test runs
//   3. the TypeScript is compiled into a package root of its own, whose build/Release holds the
//      module from 1, and ava runs there with the sanitizer's library preloaded
//
// A report of a sanitizer ends the process it is in, and so fails the test; exit code 1.

import { execFileSync, spawn } from 'node:child_process'
import { copyFileSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const require = createRequire(import.meta.url)

const SANITIZERS = {
  address: {
    flags: 'address,undefined',
    library: 'libasan.so',
    environment: {
      // Leaks: Node itself leaves much behind at its end. The quarantine would look like a leak to
      // the memory test.
      ASAN_OPTIONS: 'detect_leaks=0:quarantine_size_mb=1:abort_on_error=1',
      UBSAN_OPTIONS: 'halt_on_error=1:print_stacktrace=1',
    },
  },
  thread: {
    flags: 'thread',
    library: 'libtsan.so',
    environment: { TSAN_OPTIONS: 'halt_on_error=1:ignore_noninstrumented_modules=1' },
  },
}

/** ThreadSanitizer needs its address space where it expects it. */
const WITHOUT_RANDOM_ADDRESSES = ['setarch', '-R']

function run(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: ROOT, stdio: 'inherit', ...options })
    child.on('error', reject)
    child.on('close', (code, signal) => resolve(code ?? signal))
  })
}

async function must(what, command, args, options) {
  console.log(`--- ${what}`)
  const code = await run(command, args, options)
  if (code !== 0) throw new Error(`${what} ended with ${code}`)
}

async function sanitize(name) {
  const { flags, library, environment } = SANITIZERS[name]
  const folder = join(ROOT, 'build', 'sanitize', name)
  const cmake = join(folder, 'cmake')
  const packageRoot = join(folder, 'root')

  await must(`${name}: build`, process.execPath, [
    join(dirname(require.resolve('cmake-js/package.json')), 'bin', 'cmake-js'),
    'compile',
    '--directory=native',
    `--out=${cmake}`,
    '--config=RelWithDebInfo',
    '--log-level=error',
    `--CDSLUICEDB_SANITIZE=${flags}`,
    '--CDSLUICEDB_TESTS=ON',
  ])
  await must(`${name}: core tests`, ...withTool([join(cmake, 'core_test')]), {
    env: { ...process.env, ...environment },
  })

  rmSync(packageRoot, { recursive: true, force: true })
  mkdirSync(join(packageRoot, 'build', 'Release'), { recursive: true })
  copyFileSync(
    join(cmake, 'RelWithDebInfo', 'sluicedb.node'),
    join(packageRoot, 'build', 'Release', 'sluicedb.node'),
  )
  // ava takes its settings from the nearest package.json.
  const ava = { files: ['dist/test/**/*.test.js'], workerThreads: false, concurrency: 2 }
  writeFileSync(join(packageRoot, 'package.json'), JSON.stringify({ type: 'module', ava }))
  const compiled = join(packageRoot, 'dist')
  await must(`${name}: compile`, process.execPath, [
    join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc'),
    '--project',
    'tsconfig.json',
    '--outDir',
    compiled,
    '--tsBuildInfoFile',
    join(compiled, '.tsbuildinfo'),
  ])
  const preload = execFileSync('gcc', [`-print-file-name=${library}`], { encoding: 'utf8' }).trim()
  const tests = ['platform', 'parity'].flatMap((group) =>
    readdirSync(join(compiled, 'test', group))
      .filter((file) => file.endsWith('.test.js'))
      .map((file) => join('dist', 'test', group, file)),
  )
  const cli = join(dirname(require.resolve('ava')), '..', 'entrypoints', 'cli.mjs')
  await must(
    `${name}: platform and parity tests`,
    ...withTool([process.execPath, cli, '--timeout=300s', ...tests]),
    {
      cwd: packageRoot,
      env: {
        ...process.env,
        ...environment,
        LD_PRELOAD: preload,
        // Nothing may quietly fall back to the twin.
        SLUICEDB_BINDING: 'native',
        SLUICE_LEAK_JOBS: '1000',
      },
    },
  )
}

function withTool([command, ...args]) {
  const [tool, ...flags] = WITHOUT_RANDOM_ADDRESSES
  return [tool, [...flags, command, ...args]]
}

const names = process.argv.slice(2)
for (const name of names) {
  if (!(name in SANITIZERS)) throw new Error(`no such sanitizer: ${name}`)
}
try {
  for (const name of names.length === 0 ? Object.keys(SANITIZERS) : names) await sanitize(name)
  console.log('No sanitizer had anything to report.')
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
