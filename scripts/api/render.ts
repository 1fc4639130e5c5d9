// Declarations as Markdown: fields as a table, methods as a list.

import type { Declaration, Member } from './declarations.ts'

/** Classes whose constructor is the user's to call. */
const CONSTRUCTED: ReadonlySet<string> = new Set(['SluiceLevel'])
const FIELD = /^\w+\??:/

/** The part of the page for one exported name. `isType`: what is static cannot be reached. */
export function renderExport(declarations: readonly Declaration[], isType: boolean): string {
  const [first] = declarations
  const words = declarations.map(({ words }) => wordsOf(words)).filter((text) => text !== '')
  const parts = [`### \`${first!.name}\``, ...words]
  const { kind } = first!
  if (kind === 'type' || kind === 'const') parts.push(codeOf(first!.head))
  else {
    const { head } = declarations.at(-1)!
    if (/<| extends /.test(head)) parts.push(codeOf(head))
    const members = declarations.flatMap((declaration) => declaration.members).filter(isPublic)
    const isFields = members.every(({ signature }) => FIELD.test(signature))
    if (members.length > 0) parts.push(isFields ? fieldTable(members) : memberList(members))
  }
  return parts.join('\n\n')

  function isPublic({ name, signature }: Member): boolean {
    if (isType && signature.startsWith('static ')) return false
    if (name === 'constructor') return CONSTRUCTED.has(first!.name)
    return !/^[_#]/.test(name)
  }
}

/** The heads alone, for names that say all. */
export function renderHeads(declarations: readonly Declaration[]): string {
  return codeOf(declarations.map(({ head }) => head).join('\n'))
}

function fieldTable(members: readonly Member[]): string {
  const rows = members.map(({ name, signature, words }) => {
    const optional = signature.startsWith(`${name}?`) ? '?' : ''
    const type = signature
      .slice(signature.indexOf(':') + 1)
      .trim()
      .replace(optional === '' ? '' : / \| undefined$/, '')
    return `| \`${name}${optional}\` | \`${cell(type)}\` | ${cell(lineOfWords(words))} |`
  })
  return ['| name | type | what it is |', '|---|---|---|', ...rows].join('\n')
}

/** Overloads of one name stand together, under the words of the first; what is static is another. */
function memberList(members: readonly Member[]): string {
  const names = new Map<string, Member[]>()
  for (const member of members) {
    const key = member.signature.startsWith('static ') ? `static ${member.name}` : member.name
    const one = names.get(key)
    if (one === undefined) names.set(key, [member])
    else one.push(member)
  }
  return [...names.values()]
    .map((overloads) => {
      const signatures = overloads.map(({ signature }) => `\`${signature}\``).join('  \n  ')
      const words = overloads.map((one) => wordsOf(one.words)).find((text) => text !== '')
      return `- ${signatures}${words === undefined ? '' : `  \n  ${words}`}`
    })
    .join('\n')
}

/** For a cell, which has one line. */
function lineOfWords(words: string): string {
  if (!isTable(words)) return wordsOf(words)
  return words
    .replaceAll(/\n {6,}/g, ' ')
    .split('\n')
    .map((line) => line.trim().replace(/^(\S+) {2,}/, '`$1`: '))
    .join('<br>')
}

/** Lines of names, and what they mean. */
function isTable(words: string): boolean {
  return /^(?: {2}|[\w-]+ {2,}\S)/m.test(words)
}

function codeOf(text: string): string {
  return `\`\`\`ts\n${text.trim()}\n\`\`\``
}

/** Paragraphs as they are; a table in a comment is indented, and keeps its lines. */
function wordsOf(words: string): string {
  if (isTable(words)) {
    return `\`\`\`text\n${words}\n\`\`\``
  }
  return words.replaceAll(/\n(?!\n)/g, ' ').replaceAll(/ {2,}/g, ' ')
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}
