// What the package exports, read from the declarations that the compiler emits.
//
// These have one form, which is all that is understood here: a declaration begins at the first column
// and ends at the next `}` or `;` there; a member is indented by four spaces; a comment stands above
// what it speaks of. TypeScript 7 has no interface for programs that could be asked instead.

import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

export interface Member {
  readonly name: string
  /** Without `readonly`, on one line. */
  readonly signature: string
  readonly words: string
}

export interface Declaration {
  readonly name: string
  /** The first line without its brace, or all of an alias. */
  readonly head: string
  readonly words: string
  readonly kind: 'class' | 'interface' | 'type' | 'const'
  readonly members: readonly Member[]
}

const REEXPORT = /^export (type )?\{([^}]*)\} from '([^']+)'/gm
const DECLARATION =
  /(?:^\/\*\*((?:(?!\*\/)[^])*)\*\/\n)?^(?:export )?(?:declare )?(class|interface|type|const) (\w+)\b/gm

/** An exported name, and the file of declarations that it comes from. */
export interface ExportedName {
  readonly file: string
  /** Of a class the type alone is exported: nobody can call what is static. */
  readonly isType: boolean
}

/** The exported names of a module. */
export function exportsOf(file: string): Map<string, ExportedName> {
  const text = readFileSync(file, 'utf8')
  const names = new Map<string, ExportedName>()
  for (const [, type, list, source] of text.matchAll(REEXPORT)) {
    for (const item of list!.split(',')) {
      const name = item.replace(/^\s*type /, '').trim()
      const isType = type !== undefined || /^\s*type /.test(item)
      if (name !== '') names.set(name, { file: declarationFile(file, source!), isType })
    }
  }
  for (const [, name] of text.matchAll(/^export declare (?:const|class|function) (\w+)/gm)) {
    names.set(name!, { file, isType: false })
  }
  return names
}

/** Every declaration of `name` in the file: a class may have an interface beside it. */
export function declarationsOf(file: string, name: string): Declaration[] {
  const text = readFileSync(file, 'utf8')
  return [...text.matchAll(DECLARATION)]
    .filter((match) => match[3] === name)
    .map((match) => {
      const start = match.index + match[0].lastIndexOf('\n') + 1
      return declarationAt(file, text, start, match)
    })
}

function declarationAt(
  file: string,
  text: string,
  start: number,
  [, comment, kind, name]: RegExpExecArray,
): Declaration {
  const rest = text.slice(start)
  const words = wordsOf(comment)
  if (kind === 'type' || kind === 'const') {
    const [item] = itemsOf(rest)
    const head = item!.replace(/^export (?:declare )?/, '')
    return { name: name!, head, words, kind, members: [] }
  }
  const brace = bodyStart(rest)
  const head = rest
    .slice(0, brace)
    .replace(/^(?:export )?(?:declare )?/, '')
    .replaceAll(/\s+/g, ' ')
    .trim()
  // At the first column: braces of members are indented. One that is empty may end its line.
  const body = /^\s*\}/.test(rest.slice(brace + 1)) ? '' : rest.slice(brace + 2)
  const own = membersOf(body.slice(0, body.search(/^\}/m)))
  return {
    name: name!,
    head,
    words,
    kind: kind as 'class' | 'interface',
    members: [...inheritedMembers(file, text, head), ...own],
  }
}

/** Where the brace of the members is: not one in a type that is a parameter of what is extended. */
function bodyStart(text: string): number {
  let depth = 0
  for (let at = 0; ; at++) {
    if (text[at] === '<') depth++
    else if (text[at] === '>' && text[at - 1] !== '=') depth--
    else if (text[at] === '{' && depth === 0) return at
  }
}

function membersOf(body: string): Member[] {
  const members: Member[] = []
  let comment: string | undefined
  for (const item of itemsOf(body)) {
    if (item.startsWith('/**')) {
      comment = item.slice('/**'.length, -'*/'.length)
      continue
    }
    if (item.startsWith('protected ')) {
      comment = undefined
      continue
    }
    const signature = item
      .replaceAll(/\s+/g, ' ')
      .replace(/;$/, '')
      .replace(/^readonly /, '')
    const name = /^(?:static |get )*(\[[\w.]+\]|#?\w+)/.exec(signature)![1]!
    members.push({ name, signature, words: wordsOf(comment) })
    comment = undefined
  }
  return members
}

/** The comments and members of a body, whole: a member may have braces and so several lines. */
function* itemsOf(body: string): Generator<string> {
  let item = ''
  for (const line of body.split('\n')) {
    item += `${line}\n`
    const text = item.trim()
    // Comments may also stand inside a member, and end a line with anything.
    const code = text.replaceAll(/\/\*\*[^]*?(?:\*\/|$)/g, '').trim()
    const isWhole = code.split('{').length === code.split('}').length && code.endsWith(';')
    const isComment = code === '' && text.endsWith('*/')
    if (!isWhole && !isComment) continue
    yield text
    item = ''
  }
}

/** Those of an interface of ours that is not exported itself; the others have their own place. */
function inheritedMembers(file: string, text: string, head: string): Member[] {
  const base = / extends (\w+)(?:<.*>)?$/.exec(head)?.[1]
  if (base !== undefined && new RegExp(`^interface ${base}\\b`, 'm').test(text)) {
    return declarationsOf(file, base).flatMap(({ members }) => members)
  }
  const source = new RegExp(`import [^;]*\\b${base}\\b[^;]* from '(\\.[^']+)'`).exec(text)?.[1]
  if (base === undefined || source === undefined) return []
  return declarationsOf(declarationFile(file, source), base)
    .flatMap(({ members }) => members)
    .filter(({ name }) => name !== 'constructor')
}

function declarationFile(from: string, source: string): string {
  return join(dirname(from), source.replace(/\.ts$/, '.d.ts'))
}

/** The text of a comment, its lines joined into paragraphs; indented ones stay as they are. */
function wordsOf(comment: string | undefined): string {
  if (comment === undefined) return ''
  return comment
    .split('\n')
    .map((line) => line.replace(/^(?:\s*\* ?| (?=\S))/, '').trimEnd())
    .join('\n')
    .replaceAll(/^\n+|\n+$/g, '')
}
