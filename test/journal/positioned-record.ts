// The record that tests put at a position.

export function recordAt(position: number): Buffer {
  return Buffer.from(`${position} ${'.'.repeat((position * 7919) % 2000)}`)
}
