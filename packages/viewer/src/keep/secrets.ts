/**
 * What of a connection's recordings only its two sides know: the secrets, and the data in plain. Who keeps or sends a recording says
 * whether they go along.
 *
 * @module
 */

import type { Recording } from '@handfast/tls/recording';
import type { RecordedConnection } from '../recording/connections.ts';

/** The recordings that a connection has: its client's first. */
export function recordingsOf({ client, server }: RecordedConnection): readonly Recording[] {
  return [client, server].filter((one) => one !== undefined);
}

export function hasSecrets(connection: RecordedConnection): boolean {
  return recordingsOf(connection).some(
    ({ keyLog, events }) => (keyLog?.length ?? 0) > 0 || events.some(({ type }) => type === 'data'),
  );
}

/** Whether the bytes of the wire were recorded, as a capture needs them. */
export function hasWire(connection: RecordedConnection): boolean {
  return recordingsOf(connection).some(({ events }) => events.some(({ type }) => type === 'wire'));
}

/** The same without key log lines and without data. */
export function withoutSecrets(connection: RecordedConnection): RecordedConnection {
  const { client, server } = connection;
  return {
    ...connection,
    ...(client && { client: withoutOwn(client) }),
    ...(server && { server: withoutOwn(server) }),
  };
}

function withoutOwn({ keyLog: _, events, ...recording }: Recording): Recording {
  return { ...recording, events: events.filter(({ type }) => type !== 'data') };
}
