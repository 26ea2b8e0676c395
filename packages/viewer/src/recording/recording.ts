/**
 * What a recording may hold, said by shapes: to its reader, to the compiler, and to `recording.schema.json`, which is written from
 * them. The types are those of `@handfast/tls/recording`, whose recorder writes it.
 *
 * @module
 */

import {
  type Direction,
  type RecordedCheck,
  type RecordedError,
  type RecordedEvent,
  type RecordedLink,
  type RecordedNegotiated,
  type RecordedPath,
  type RecordedPeer,
  type Recording,
  recordingLimits,
} from '@handfast/tls/recording';
import {
  type Budget,
  base64,
  described,
  exactly,
  flag,
  list,
  number,
  object,
  oneOf,
  optional,
  readAll,
  type Shape,
  tagged,
  text,
} from './shape.ts';

export { RecordingError } from './shape.ts';

export const word: Shape<string> = text(256);
const sentence: Shape<string> = text(8192);
const direction: Shape<Direction> = oneOf('in', 'out');
const der: Shape<string> = base64(1 << 20);
export const count: Shape<number> = number('integer', 0, Number.MAX_SAFE_INTEGER);
const at: Shape<number> = described(number('number', 0, 1e15), 'Milliseconds from the first event.');

type EventOf<T extends RecordedEvent['type']> = Extract<RecordedEvent, { readonly type: T }>;

const event: Shape<RecordedEvent> = tagged<RecordedEvent>({
  record: object<EventOf<'record'>>({
    ...{ at, type: exactly('record'), direction },
    contentType: number('integer', 0, 255),
    length: number('integer', 0, 65_535),
    protected: flag,
  }),
  message: object<EventOf<'message'>>({
    ...{ at, type: exactly('message'), direction },
    name: described(text(64), 'What the engine calls it: client_hello, certificate_12.'),
    bytes: described(base64((1 << 24) + 4), 'The whole handshake message, with its header.'),
  }),
  alert: object<EventOf<'alert'>>({
    ...{ at, type: exactly('alert'), direction, alert: word, level: number('integer', 0, 255) },
  }),
  state: object<EventOf<'state'>>({ at, type: exactly('state'), state: word }),
  key: object<EventOf<'key'>>({
    ...{ at, type: exactly('key'), direction },
    level: oneOf('early', 'handshake', 'application'),
    cipherSuite: word,
    generation: described(count, 'Key updates, counted from 0.'),
  }),
  session: object<EventOf<'session'>>({
    ...{ at, type: exactly('session'), action: oneOf('offered', 'kept', 'passed over'), why: optional(sentence) },
  }),
  early_data: object<EventOf<'early_data'>>({
    ...{ at, type: exactly('early_data'), accepted: flag, why: optional(sentence) },
  }),
  certificate: object<EventOf<'certificate'>>({ at, type: exactly('certificate'), verified: flag }),
  established: object<EventOf<'established'>>({ at, type: exactly('established') }),
  work: object<EventOf<'work'>>({
    ...{ at, type: exactly('work'), operation: oneOf('key exchange', 'sign', 'verify', 'path') },
    ms: number('number', 0, 1e15),
  }),
  wire: object<EventOf<'wire'>>({
    ...{ at, type: exactly('wire'), direction },
    bytes: described(base64(1 << 17), 'A whole record as it passed, with its header.'),
  }),
  data: object<EventOf<'data'>>({
    ...{ at, type: exactly('data'), direction },
    bytes: described(base64(1 << 17), 'The application’s data, in plain.'),
  }),
  closed: object<EventOf<'closed'>>({ at, type: exactly('closed'), failed: flag }),
});

const check: Shape<RecordedCheck> = object<RecordedCheck>({ rule: word, detail: sentence, passed: flag });
const link: Shape<RecordedLink> = object<RecordedLink>({ certificate: der, checks: list(check, 64) });
const path: Shape<RecordedPath> = object<RecordedPath>({ rule: optional(word), certificates: list(link, 64) });

export const peer: Shape<RecordedPeer> = object<RecordedPeer>({
  chain: described(list(der, 100), 'DER, as it was sent.'),
  verified: flag,
  paths: described(list(path, 64), 'The path that was found; where there is none, all that were tried.'),
  pathsNotKept: optional(count),
});

export const negotiated: Shape<RecordedNegotiated> = object<RecordedNegotiated>({
  version: word,
  cipherSuite: word,
  group: optional(word),
  postQuantum: flag,
  extendedMasterSecret: flag,
  alpnProtocol: optional(word),
  serverName: optional(word),
  resumed: flag,
  preSharedKey: flag,
  earlyData: optional(oneOf('accepted', 'rejected')),
  helloRetryRequest: flag,
  signatureScheme: optional(word),
  peerSignatureScheme: optional(word),
});

export const error: Shape<RecordedError> = object<RecordedError>({
  code: word,
  message: sentence,
  origin: oneOf('local', 'peer'),
  alert: optional(word),
  phase: oneOf('handshake', 'connected', 'closing', 'closed'),
  state: optional(word),
  hint: optional(sentence),
  certificateCode: optional(word),
});

export const role: Shape<'client' | 'server'> = described(
  oneOf('client', 'server'),
  'Whose view it is: out is what this side sent.',
);
export const target: Shape<string> = text(1024);
export const started: Shape<string> = described(
  text(32, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$/),
  'When the first event was: ISO 8601, in UTC.',
);
export const events: Shape<readonly RecordedEvent[]> = list(event, recordingLimits.events);
export const keyLog: Shape<readonly string[]> = described(
  list(text(1024, /^[A-Z0-9_]+ [0-9a-f]{64} [0-9a-f]+$/), recordingLimits.keyLogLines),
  'Lines of SSLKEYLOGFILE (RFC 9850): whoever has them reads all of the connection.',
);
export const dropped: Shape<NonNullable<Recording['dropped']>> = object<NonNullable<Recording['dropped']>>({
  events: count,
  bytes: count,
});

export const recordingShape: Shape<Recording> = object<Recording>({
  format: exactly('handfast-recording'),
  version: exactly(1),
  program: optional(word),
  role,
  target: optional(target),
  started,
  events,
  keyLog: optional(keyLog),
  negotiated: optional(negotiated),
  peer: optional(peer),
  error: optional(error),
  dropped: optional(dropped),
});

/**
 * A recording from a file, of whoever: checked to its last property, and copied.
 * @param json what `JSON.parse` answered.
 * @throws RecordingError that says where it is wrong: `events[3].bytes: …`.
 */
export function readRecording(json: unknown): Recording {
  const budget: Budget = { bytes: recordingLimits.bytes };
  return readAll(recordingShape, json, budget);
}
