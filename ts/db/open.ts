// Opens a database: arguments ── directory ── lock ── LOG ── recovery ── engine.
//
// Invariant: whatever fails on the way, what was opened before it is closed, the lock last, and the
// data is as it was.

import { ioError, isMissing, SluiceError } from '../format/error.ts'
import type { InfoLog } from '../platform/info-log.ts'
import type { Lock } from '../platform/lock.ts'
import { checkPath, takeLock } from '../platform/directory-path.ts'
import type { DatabaseEngine } from './database-engine.ts'
import { Engine } from './engine.ts'
import type { Environment } from './environment.ts'
import { MemtableMemory } from './memtable-memory.ts'
import { type CheckedOptions, checkOptions, type DBOptions } from './options.ts'
import { openReadOnly } from './read-only-open.ts'
import { recover } from './recovery.ts'
import { RECOVERY, tracedOpening } from './tracing.ts'

/** As DB.open says. The environment's jobs end with the engine, or here where the open fails. */
export async function openDatabase(
  path: string,
  options: DBOptions,
  environment: Environment,
): Promise<DatabaseEngine> {
  checkPath(path)
  const checked = checkOptions(options)
  if (!checked.readOnly) return openEngine(path, options, environment)
  const engine = await explained(path, environment, () =>
    tracedOpening(RECOVERY, path, checked, () => openReadOnly(path, checked, environment)),
  )
  await closeJobs(environment)
  return engine
}

/** The same for a database that is to be written, whatever the option readOnly says. */
export async function openEngine(
  path: string,
  options: DBOptions,
  environment: Environment,
): Promise<Engine> {
  checkPath(path)
  const checked = checkOptions(options)
  return explained(path, environment, async () => {
    await prepareDirectory(path, checked, environment)
    const lock = await takeLock(path, environment.fileSystem)
    try {
      return await openLocked(path, checked, environment, lock)
    } catch (error) {
      await lock.release()
      throw error
    }
  })
}

async function explained<T>(
  path: string,
  environment: Environment,
  open: () => Promise<T>,
): Promise<T> {
  try {
    return await open()
  } catch (error) {
    await closeJobs(environment)
    const reason = error instanceof Error ? error.message : String(error)
    throw new SluiceError('LEVEL_DATABASE_NOT_OPEN', `Cannot open ${path}: ${reason}`, {
      cause: error,
    })
  }
}

async function closeJobs({ jobs, compactionJobs }: Environment): Promise<void> {
  await Promise.all([jobs.close(), compactionJobs.close()])
}

async function openLocked(
  path: string,
  options: CheckedOptions,
  environment: Environment,
  lock: Lock,
): Promise<Engine> {
  const infoLog: InfoLog = environment.openInfoLog(path)
  try {
    const memory = new MemtableMemory(options.writeBufferSize)
    // Before anything is opened that would have to be closed where there is no memory for it.
    const memtable = memory.create(0, 0)
    const recovered = await tracedOpening(RECOVERY, path, options, () =>
      recover({ environment, directory: path, options, memory, infoLog }),
    )
    return new Engine({
      environment,
      directory: path,
      options,
      memory,
      memtable,
      infoLog,
      lock,
      ...recovered,
    })
  } catch (error) {
    infoLog.write(`cannot open: ${String(error)}`)
    await infoLog.close()
    throw error
  }
}

async function prepareDirectory(
  path: string,
  { createIfMissing }: CheckedOptions,
  { fileSystem }: Environment,
): Promise<void> {
  try {
    if (createIfMissing) await fileSystem.createDirectory(path)
    else await fileSystem.readDirectory(path)
  } catch (error) {
    if (isMissing(error) && !createIfMissing) {
      throw new SluiceError('LEVEL_DATABASE_MISSING', `${path} does not exist`, { cause: error })
    }
    throw ioError(createIfMissing ? 'create' : 'list', path, error)
  }
}
