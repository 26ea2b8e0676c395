/**
 * A file of several recordings, which belong together: of each connection what its client recorded, its server, or both. What is read
 * may as well be one recording alone.
 *
 * @module
 */

import { recordingLimits } from '@handfast/tls/recording';
import type { HandshakeParts, Incident } from '../ladder/handshake.ts';
import { recordingShape } from './recording.ts';
import {
  type Budget,
  described,
  exactly,
  formatOf,
  type JsonSchema,
  list,
  number,
  object,
  optional,
  RecordingError,
  readAll,
  referred,
  type Shape,
  text,
} from './shape.ts';

/** A connection, as one side or both have recorded it. */
export interface RecordedConnection extends HandshakeParts {
  /** For a reader who has several: `First connection`. */
  readonly title?: string;
}

export interface RecordedConnections {
  readonly format: 'handfast-recordings';
  readonly version: 1;
  readonly connections: readonly RecordedConnection[];
}

/** Connections that a file holds at most. */
export const maxConnections = 1000;

const milliseconds: Shape<number> = number('number', -1e15, 1e15);

const incident: Shape<Incident> = object<Incident>({ at: milliseconds, text: text(8192) });

const connection: Shape<RecordedConnection> = object<RecordedConnection>({
  title: optional(text(256)),
  client: optional(described(referred(recordingShape, 'recording'), 'Of its client: role is client.')),
  server: optional(described(referred(recordingShape, 'recording'), 'Of its server: role is server.')),
  serverOffset: optional(described(milliseconds, 'From the client’s first event to the server’s, in milliseconds.')),
  incidents: optional(described(list(incident, 1000), 'What happened to the bytes on their way.')),
});

const connections: Shape<RecordedConnections> = object<RecordedConnections>({
  format: exactly('handfast-recordings'),
  version: exactly(1),
  connections: list(connection, maxConnections),
});

/** What `recording.schema.json` holds: a recording, or a file of several. */
export const recordingSchema: JsonSchema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  $id: 'urn:handfast:recording:1',
  title: 'TLS connections, recorded by Handfast',
  oneOf: [{ $ref: '#/$defs/recording' }, { $ref: '#/$defs/recordings' }],
  $defs: { recording: recordingShape.schema, recordings: connections.schema },
};

/**
 * The connections of a file, of whoever: one recording, or a file of several. They are checked to their last property, and copied.
 * @param json what `JSON.parse` answered.
 * @throws RecordingError that says where it is wrong: `connections[0].client.events[3].bytes: …`.
 */
export function readConnections(json: unknown): readonly RecordedConnection[] {
  const budget: Budget = { bytes: recordingLimits.bytes };
  if (formatOf(json) !== 'handfast-recordings') {
    const recording = readAll(recordingShape, json, budget);
    return [{ [recording.role]: recording }];
  }
  const read = readAll(connections, json, budget).connections;
  for (const [index, { client, server }] of read.entries()) {
    const path = `connections[${index}]`;
    if (client === undefined && server === undefined)
      throw new RecordingError(path, 'it has neither client nor server');
    if (client !== undefined && client.role !== 'client')
      throw new RecordingError(`${path}.client.role`, 'it is not client');
    if (server !== undefined && server.role !== 'server')
      throw new RecordingError(`${path}.server.role`, 'it is not server');
  }
  return read;
}
