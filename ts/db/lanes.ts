// Work on many things, some at a time: enough to keep the thread pool busy, and no more than may be
// open or in memory at once.

/**
 * Runs `act` on every item, `lanes` of them at a time, in their order. Rejects with the first error,
 * when nothing is under way any more; what had not begun by then does not begin.
 */
export async function inLanes<T>(
  items: readonly T[],
  lanes: number,
  act: (item: T) => Promise<void>,
): Promise<void> {
  let next = 0
  const lane = async (): Promise<void> => {
    while (next < items.length) {
      try {
        await act(items[next++]!)
      } catch (error) {
        next = items.length
        throw error
      }
    }
  }
  const outcomes = await Promise.allSettled(
    Array.from({ length: Math.min(lanes, items.length) }, lane),
  )
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
}
