/**
 * What PostgreSQL's refusals are to the CA: to be tried again, a connection that is lost, or a fault that is passed on.
 *
 * @module
 */

import { DatabaseError } from 'pg';

/** The connection to the database is gone, or there is none to be had: nothing of what was asked can be said to be done. */
export class DatabaseLostError extends Error {
  override readonly name = 'DatabaseLostError';
  readonly code = 'ERR_DATABASE_LOST';
}

/** PostgreSQL, appendix A. */
const serializationFailure = '40001';
const deadlockDetected = '40P01';
const uniqueViolation = '23505';
const duplicateTable = '42P07';
const duplicateObject = '42710';
const featureNotSupported = '0A000';
/** Classes of codes: connections, and the server's going down. */
const connectionClasses = /^(08|57P0)/;

/** How often what failed so is tried in all. */
const attempts = { conflict: 40, doubtful: 4, fault: 1 } as const;

/**
 * How often at most a transaction is tried that failed with `error`. A key that is taken may be one that another transaction has
 * just written, which this one's snapshot did not show: then it passes, or fails in other words, when it is run again.
 */
export function attemptsAfter(error: unknown): number {
  if (!(error instanceof DatabaseError)) return attempts.fault;
  const { code } = error;
  // Every connection of the pool may have the stale plan.
  if (code === serializationFailure || code === deadlockDetected || isStalePlan(error)) return attempts.conflict;
  const doubtful = code === uniqueViolation || code === duplicateTable || code === duplicateObject;
  return doubtful ? attempts.doubtful : attempts.fault;
}

/** Whether what failed so takes with it whatever else its transaction has done, in savepoints of their own too. */
export function endsBatch(error: unknown): boolean {
  return error instanceof DatabaseLostError || attemptsAfter(error) === attempts.conflict;
}

/** Somebody has changed the table since the statement was prepared: a new connection knows it. */
export function isStalePlan(error: unknown): boolean {
  return error instanceof DatabaseError && error.code === featureNotSupported && /cached plan/.test(error.message);
}

/** Without the server's answer: whatever its driver, or the system's network, says then. */
export function isLost(error: unknown): boolean {
  if (error instanceof DatabaseError) return connectionClasses.test(error.code ?? '') || error.code === '25P03';
  if (!(error instanceof Error)) return false;
  if ('syscall' in error || error instanceof AggregateError) return true;
  return /^(Connection terminated|Client has encountered a connection error|Client was closed|timeout e|Query read t)/.test(
    error.message,
  );
}

/** There was no connection to lose. */
function isRefused(error: unknown): boolean {
  const [first = error] = error instanceof AggregateError ? error.errors : [];
  return (
    first instanceof Error && 'syscall' in first && (first.syscall === 'connect' || first.syscall === 'getaddrinfo')
  );
}

/** Of a host with several addresses each has its own. */
function reasonOf(error: Error): string {
  return error instanceof AggregateError ? error.errors.map(({ message }) => message).join('; ') : error.message;
}

/** `error` as it is passed on; `during`: what it interrupted. */
export function inWords(error: unknown, during: string): unknown {
  if (!isLost(error)) return error;
  const reason = reasonOf(error as Error);
  const text = isRefused(error)
    ? `the database cannot be reached: ${reason}`
    : `the connection to the database is lost ${during}: ${reason}`;
  return new DatabaseLostError(text, { cause: error });
}
