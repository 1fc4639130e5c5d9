// What a loop reports: that the engine broke its contract, and where.

/** The engine broke its contract; the message says how, the loop adds what reproduces it. */
export class Violation extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'Violation'
  }
}

/** Hears of each violation, and the loop goes on; without it the first one is thrown. */
export type OnViolation = (violation: Violation) => void

/** Runs one check of a loop. `where` ends the message: what runs this check alone again. */
export async function attempt(
  where: string,
  onViolation: OnViolation | undefined,
  check: () => Promise<void>,
): Promise<void> {
  try {
    await check()
  } catch (error) {
    const violation = new Violation(`${messageOf(error)}; ${where}`, error)
    if (onViolation === undefined) throw violation
    onViolation(violation)
  }
}

/** The messages of the error and of its causes, on one line. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { message, cause } = error
  // A violation that adds a place has the message of the one below in its own.
  if (cause === undefined || cause instanceof Violation) return message
  const below = messageOf(cause)
  return message.includes(below) ? message : `${message} (${below})`
}
