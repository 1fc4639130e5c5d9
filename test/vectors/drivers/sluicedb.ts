// SluiceDB under the vectors, piece by piece and as a whole; SLUICEDB_BINDING chooses the binding.

import { SluiceError } from '../../../ts/format/error.ts'
import { binding } from '../../../ts/platform/load-binding.ts'
import { answerQuestions } from './answer-loop.ts'
import { databaseHandlers } from './sluicedb-database.ts'
import { formatHandlers } from './sluicedb-format.ts'
import { tableHandlers } from './sluicedb-table.ts'

const CLASSES: Readonly<Record<string, string>> = {
  LEVEL_CORRUPTION: 'corruption',
  LEVEL_NOT_SUPPORTED: 'unsupported-format',
  LEVEL_DATABASE_MISSING: 'missing',
  LEVEL_IO_ERROR: 'io',
}

/** The neutral class of one of our errors. That a database does not open has its reason as cause. */
function classOf(error: unknown): string | undefined {
  if (!(error instanceof SluiceError)) return undefined
  return CLASSES[error.code] ?? classOf(error.cause)
}

await answerQuestions(
  {
    hello: () => ({ name: `sluicedb, ${binding.kind} binding` }),
    ...formatHandlers,
    ...tableHandlers(classOf),
    ...databaseHandlers(classOf),
  },
  classOf,
)
