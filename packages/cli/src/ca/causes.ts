/**
 * Why something failed, for the log: what each cause says, from the outermost in.
 *
 * @module
 */

/** Deeper than any of ours; a cause may be its own. */
const maxDepth = 8;

/**
 * `no address answers: connect ECONNREFUSED 10.0.0.1:80; connect EHOSTUNREACH 10.0.0.2:80`: causes after colons, those that stand side by
 * side after semicolons, and nothing twice in a row. Not escaped. `null` where nothing is said.
 */
export function causesOf(error: unknown): string | null {
  const text = chainOf(error, maxDepth);
  return text === '' ? null : text;
}

function chainOf(error: unknown, depth: number): string {
  if (typeof error === 'string') return error;
  if (!(error instanceof Error) || depth === 0) return '';
  const side = error instanceof AggregateError ? error.errors.map((one) => chainOf(one, depth - 1)) : [];
  const inner = [...new Set(side), chainOf(error.cause, depth - 1)].filter((text) => text !== '').join('; ');
  // Whoever wraps an error may have its words already.
  if (inner === '' || error.message.includes(inner)) return error.message;
  return error.message === '' || inner.startsWith(error.message) ? inner : `${error.message}: ${inner}`;
}
