// The systems that a native module is shipped for.

export type Format = 'elf' | 'mach-o' | 'pe'

export interface Target {
  /** The folder under prebuilds/, as ts/platform/prebuilt.ts names it. */
  readonly name: string
  /** As zig names it, with the oldest C library or system that has to load the module. */
  readonly triple: string
  readonly format: Format
  /** The processor, as this format's header gives it. */
  readonly machine: number
}

const ELF_X64 = 62
const ELF_ARM64 = 183
const MACH_X64 = 0x0100_0007
const MACH_ARM64 = 0x0100_000c
const PE_X64 = 0x8664

// glibc 2.17 is that of RHEL 7 and older than Node's own 2.28; macOS 11 is the first on ARM.
export const TARGETS: readonly Target[] = [
  { name: 'linux-x64', triple: 'x86_64-linux-gnu.2.17', format: 'elf', machine: ELF_X64 },
  { name: 'linux-arm64', triple: 'aarch64-linux-gnu.2.17', format: 'elf', machine: ELF_ARM64 },
  { name: 'linux-x64-musl', triple: 'x86_64-linux-musl', format: 'elf', machine: ELF_X64 },
  { name: 'linux-arm64-musl', triple: 'aarch64-linux-musl', format: 'elf', machine: ELF_ARM64 },
  { name: 'darwin-x64', triple: 'x86_64-macos.11.0', format: 'mach-o', machine: MACH_X64 },
  { name: 'darwin-arm64', triple: 'aarch64-macos.11.0', format: 'mach-o', machine: MACH_ARM64 },
  { name: 'win32-x64', triple: 'x86_64-windows-gnu', format: 'pe', machine: PE_X64 },
]

export const MODULE_NAME = 'sluicedb.node'
