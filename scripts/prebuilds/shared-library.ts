// What a shared library says of itself, whatever its format.

export interface SharedLibrary {
  /** The processor, as the header gives it. */
  readonly machine: number
  /** The libraries that have to be there. */
  readonly libraries: readonly string[]
  readonly imports: readonly Import[]
  readonly exports: readonly string[]
  /** Mach-O: the oldest system, such as '11.0'. */
  readonly oldestSystem?: string
  /** Mach-O: whether it is signed, as macOS on ARM demands. */
  readonly isSigned?: boolean
}

export interface Import {
  readonly name: string
  /** ELF: the version of the symbol, such as 'GLIBC_2.14'. */
  readonly version?: string
  /** ELF: it may stay undefined. */
  readonly isWeak?: boolean
}

/** The zero-terminated text at `position`. */
export function textAt(bytes: Buffer, position: number): string {
  const end = bytes.indexOf(0, position)
  return bytes.toString('latin1', position, end === -1 ? bytes.length : end)
}
