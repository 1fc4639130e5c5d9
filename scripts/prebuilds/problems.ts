// What would keep a module from loading where it has to, seen from the file alone.

import { createRequire } from 'node:module'
import { ENTRY_POINTS } from './compile.ts'
import { readSharedLibrary } from './read-library.ts'
import type { SharedLibrary } from './shared-library.ts'
import type { Format, Target } from './targets.ts'

/**
 * More would be a module that carries what it could leave out. zig's linker for macOS neither drops
 * what is not used of the C++ library, nor the names of what is not exported.
 */
const MAX_SIZE_BYTES: Readonly<Record<Format, number>> = {
  elf: 250_000,
  'mach-o': 550_000,
  pe: 250_000,
}
const OLDEST_MACOS = '11.0'

const LIBRARIES: Readonly<Record<string, RegExp>> = {
  gnu: /^(?:lib(?:c|m|pthread|dl)\.so\.\d|ld-linux-[\w-]+\.so\.\d)$/,
  musl: /^libc\.so$/,
  darwin: /^\/usr\/lib\/libSystem\.B\.dylib$/,
  win32:
    /^(?:NODE\.EXE|KERNEL32\.dll|ADVAPI32\.dll|ntdll\.dll|msvcrt\.dll|api-ms-win-crt-.*\.dll)$/i,
}

interface NodeApiSymbols {
  readonly js_native_api_symbols: readonly string[]
  readonly node_api_symbols: readonly string[]
}

const { symbols } = createRequire(import.meta.url)('node-api-headers') as {
  symbols: Readonly<Record<string, NodeApiSymbols>>
}
/** NAPI_VERSION of native/addon.gypi. */
const NODE_API = symbols['v8']!
const NODE_API_SYMBOLS = new Set([...NODE_API.js_native_api_symbols, ...NODE_API.node_api_symbols])

const isNodeApi = (name: string): boolean => /^(?:napi|node_api)_/.test(name)

export function problemsOf(bytes: Buffer, target: Target): string[] {
  let library: SharedLibrary
  try {
    library = readSharedLibrary(bytes, target)
  } catch (error) {
    return [String(error)]
  }
  const limit = MAX_SIZE_BYTES[target.format]
  return [
    ...(bytes.length > limit ? [`${bytes.length} bytes, more than ${limit}`] : []),
    ...(library.machine === target.machine ? [] : [`made for the processor ${library.machine}`]),
    ...libraryProblems(library, target),
    ...symbolProblems(library, target),
    ...macProblems(library, target),
  ]
}

/** The newest version of the C library that the module asks for: '2.14'; undefined without any. */
export function newestGlibc(library: SharedLibrary): string | undefined {
  return library.imports
    .flatMap(({ version }) => /^GLIBC_(.*)$/.exec(version ?? '')?.[1] ?? [])
    .toSorted(compareVersions)
    .at(-1)
}

function libraryProblems(library: SharedLibrary, { name }: Target): string[] {
  const [platform, , libc] = name.split('-')
  const known = LIBRARIES[libc ?? (platform === 'linux' ? 'gnu' : platform!)]!
  return library.libraries
    .filter((wanted) => !known.test(wanted))
    .map((wanted) => `needs the library ${wanted}`)
}

function symbolProblems(library: SharedLibrary, target: Target): string[] {
  const oldest = /-gnu\.([\d.]+)$/.exec(target.triple)?.[1]
  const newest = newestGlibc(library)
  const unknown = library.imports.filter(
    ({ name }) => isNodeApi(name) && !NODE_API_SYMBOLS.has(name),
  )
  // A symbol without a version is in no glibc as old as that: it would be missed at its first call.
  const unversioned = library.imports.filter(
    ({ name, version, isWeak }) =>
      oldest !== undefined && version === undefined && isWeak !== true && !isNodeApi(name),
  )
  return [
    ...ENTRY_POINTS.filter((name) => !library.exports.includes(name)).map(
      (name) => `does not export ${name}`,
    ),
    ...unknown.map(({ name }) => `${name} is not in Node-API 8`),
    ...unversioned.map(({ name }) => `glibc ${oldest} has no ${name}`),
    ...(oldest !== undefined && newest !== undefined && compareVersions(newest, oldest) > 0
      ? [`needs glibc ${newest}`]
      : []),
  ]
}

function macProblems(library: SharedLibrary, target: Target): string[] {
  if (target.format !== 'mach-o') return []
  return [
    ...(library.oldestSystem === OLDEST_MACOS ? [] : [`needs macOS ${library.oldestSystem}`]),
    ...(library.isSigned === true || !target.name.endsWith('arm64') ? [] : ['is not signed']),
  ]
}

function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => version.split('.').map(Number))
  for (let at = 0; at < Math.max(left!.length, right!.length); at++) {
    const difference = (left![at] ?? 0) - (right![at] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}
