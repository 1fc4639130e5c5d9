// A program linked with musl that stands in for Node: it has every function of Node-API, doing
// nothing, and loads the module with all of its symbols bound at once. What musl lacks is seen then.

import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { MODULE_NAME } from './targets.ts'

const { symbols } = createRequire(import.meta.url)('node-api-headers') as {
  symbols: Readonly<Record<string, { js_native_api_symbols: string[]; node_api_symbols: string[] }>>
}

export function runMuslHost(root: string, scratch: string): string {
  const { js_native_api_symbols, node_api_symbols } = symbols['v8']!
  const functions = [...js_native_api_symbols, ...node_api_symbols]
  const source = join(scratch, 'host.c')
  const host = join(scratch, 'host')
  writeFileSync(
    source,
    [
      '#include <dlfcn.h>',
      '#include <stdio.h>',
      ...functions.map((name) => `int ${name}(void) { return 0; }`),
      'int main(int count, char** arguments) {',
      '  void* module = dlopen(arguments[count - 1], RTLD_NOW);',
      '  if (!module) { puts(dlerror()); return 1; }',
      '  if (!dlsym(module, "napi_register_module_v1")) { puts("no entry point"); return 2; }',
      '  puts("ok");',
      '  return 0;',
      '}',
    ].join('\n'),
  )
  // Not zig, which links statically with musl, and a static program loads no module.
  execFileSync('musl-gcc', ['-rdynamic', source, '-o', host])
  const module = join(root, 'prebuilds', 'linux-x64-musl', MODULE_NAME)
  const said = execFileSync(host, [module], { encoding: 'utf8' })
  return `${said.trim()}: loaded with every symbol bound`
}
