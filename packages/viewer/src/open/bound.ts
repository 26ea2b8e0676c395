/**
 * As much of a recording as a page can draw without holding its reader up: far more than any handshake has.
 *
 * @module
 */

import type { Recording } from '@handfast/tls/recording';
import type { RecordedConnection } from '../recording/connections.ts';

/** Twice what a recorder keeps unless it is told otherwise. */
export const maxOpenEvents = 20_000;

export interface Bounded {
  readonly connection: RecordedConnection;
  /** Events that were left out. */
  readonly leftOut: number;
}

/** The first events of each side, and how it ended. */
export function boundConnection(connection: RecordedConnection): Bounded {
  const { client, server } = connection;
  const most = Math.max(client?.events.length ?? 0, server?.events.length ?? 0);
  if (most <= maxOpenEvents) return { connection, leftOut: 0 };
  const [ofClient, ofServer] = [client && bounded(client), server && bounded(server)];
  return {
    connection: { ...connection, ...(ofClient && { client: ofClient }), ...(ofServer && { server: ofServer }) },
    leftOut: leftOut(client, ofClient) + leftOut(server, ofServer),
  };
}

function bounded(recording: Recording): Recording {
  const { events, dropped } = recording;
  if (events.length <= maxOpenEvents) return recording;
  const last = events.at(-1);
  const end = last?.type === 'closed' ? [last] : [];
  const kept = [...events.slice(0, maxOpenEvents - end.length), ...end];
  const more = (dropped?.events ?? 0) + events.length - kept.length;
  return { ...recording, events: kept, dropped: { events: more, bytes: dropped?.bytes ?? 0 } };
}

function leftOut(before: Recording | undefined, after: Recording | undefined): number {
  return (before?.events.length ?? 0) - (after?.events.length ?? 0);
}
