// The requests of the load: which connection sends what, so that whoever reads one back knows it.

/** What the server promised to have stored. */
export interface Answered {
  readonly number: number
  readonly connection: number
  readonly request: number
}

const BODY_BYTES = 200

/** The body of request number `request` of a connection. */
export function bodyOf(connection: number, request: number): string {
  return (
    `{"connection":${connection},"request":${request},"order":"`.padEnd(BODY_BYTES - 2, 'x') + '"}'
  )
}
