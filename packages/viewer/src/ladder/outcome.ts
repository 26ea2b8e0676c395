/**
 * What came of a connection, by those who have recorded it.
 *
 * @module
 */

import type { RecordedError, RecordedEvent } from '@handfast/tls/recording';
import { otherOf, type Party } from './party.ts';

/** The refusal that ended a connection, and whose recording tells of it. */
export interface Failure {
  readonly party: Party;
  readonly error: RecordedError;
}

/** `unknown`: nobody has seen the handshake end, as in a capture without its keys, or one that stops before. */
export type Result = 'connected' | 'failed' | 'unknown';

interface Ended {
  readonly error?: RecordedError | undefined;
}

interface Told extends Ended {
  readonly events: readonly RecordedEvent[];
}

interface Sides {
  readonly client?: Told | undefined;
  readonly server?: Told | undefined;
}

export function resultOf({ client, server }: Sides): Result {
  if (failureOf(client, server) !== undefined) return 'failed';
  const done = [client, server].some((side) => side?.events.some(({ type }) => type === 'established'));
  return done ? 'connected' : 'unknown';
}

/** By whoever found the fault; the other one has only been told. */
export function failureOf(client: Ended | undefined, server: Ended | undefined): Failure | undefined {
  const found = [
    ...(client?.error ? [{ party: 'client' as const, error: client.error }] : []),
    ...(server?.error ? [{ party: 'server' as const, error: server.error }] : []),
  ].filter(({ error }) => !isDropped(error));
  const own = found.filter(({ error }) => error.origin === 'local');
  // That the transport ended is what follows of another's refusal.
  return own.find(({ error }) => error.code !== 'truncated') ?? own[0] ?? found[0];
}

/** Who found the fault: where the other side's alert told of it, that one. */
export function finderOf({ party, error }: Failure): Party {
  return error.origin === 'peer' ? otherOf(party) : party;
}

/** A program may drop a connection that stands, as many do when they have what they wanted: nothing has failed. */
export function isDropped({ code, origin, phase }: RecordedError): boolean {
  return code === 'aborted' && origin === 'local' && phase !== 'handshake';
}
