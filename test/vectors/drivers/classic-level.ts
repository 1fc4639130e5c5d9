// C++ LevelDB 1.20 under the vectors, by way of classic-level: it can be asked for directories alone.

import { ClassicLevel } from 'classic-level'
import type { Json } from '../vector-file.ts'
import { answerQuestions } from './answer-loop.ts'

type Level = ClassicLevel<Buffer, Buffer>

/** The words of C++ LevelDB's status, which classic-level passes on, may have a code or none. */
const CLASSES: readonly (readonly [RegExp, string])[] = [
  [/^Corruption/, 'corruption'],
  [/does not match existing comparator/, 'unsupported-format'],
  [/does not exist \(create_if_missing is false\)/, 'missing'],
  [/^IO error|^NotFound/, 'io'],
]

function classOf(error: unknown): string | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    const { message } = at
    const found = CLASSES.find(([words]) => words.test(message))
    if (found !== undefined) return found[1]
  }
  return undefined
}

async function withLevel(path: string, use: (level: Level) => Promise<Json>): Promise<Json> {
  const level: Level = new ClassicLevel(path, {
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
    createIfMissing: false,
  })
  await level.open()
  try {
    return await use(level)
  } finally {
    await level.close()
  }
}

function readAll(path: string): Promise<Json> {
  return withLevel(path, async (level) => {
    const entries = await level.iterator().all()
    return { entries: entries.map(([key, value]) => [key.toString('hex'), value.toString('hex')]) }
  })
}

async function get(level: Level, key: Buffer): Promise<Json> {
  try {
    const value = await level.get(key)
    return value === undefined ? { absent: true } : { value: value.toString('hex') }
  } catch (error) {
    const errorClass = classOf(error)
    if (errorClass === undefined) throw error
    return { error: errorClass }
  }
}

await answerQuestions(
  {
    hello: () => ({ name: 'C++ LevelDB 1.20, by classic-level' }),
    'directory.read': (question) => readAll(question.text('path')),
    'directory.get': (question) =>
      withLevel(question.text('path'), async (level) => {
        const values: Json[] = []
        for (const key of question.byteList('keys')) values.push(await get(level, key))
        return { values }
      }),
    'directory.repair': async (question) => {
      await ClassicLevel.repair(question.text('path'))
      return readAll(question.text('path'))
    },
  },
  classOf,
)
