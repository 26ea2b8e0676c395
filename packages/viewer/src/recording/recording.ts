/**
 * One connection as plain JSON: what the trace told, the secrets where somebody wanted them in it, and what came of it. Everybody
 * who shows, keeps or exchanges a handshake reads this. Its JSON Schema is `recording.schema.json`, written from the shapes below.
 *
 * @module
 */

import {
  type Budget,
  base64,
  described,
  exactly,
  flag,
  type JsonSchema,
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

/** What a recording holds at most, whoever made it. */
export const recordingLimits = {
  events: 200_000,
  /** Bytes of all messages, records, data and certificates together. */
  bytes: 67_108_864,
  keyLogLines: 1000,
} as const;

export type Direction = 'in' | 'out';

/** A check of one certificate of the path, or why it was refused. */
export interface RecordedCheck {
  /** A rule of `pathChecks`, or the code of what refused it. */
  readonly rule: string;
  readonly detail: string;
  readonly passed: boolean;
}

export interface RecordedLink {
  /** DER, in base64. */
  readonly certificate: string;
  readonly checks: readonly RecordedCheck[];
}

/** A path that was tried, leaf first. */
export interface RecordedPath {
  /** What refused it; absent: nothing did. */
  readonly rule?: string;
  readonly certificates: readonly RecordedLink[];
}

/** Who the peer showed itself to be, and what was found about that. */
export interface RecordedPeer {
  /** As it was sent: DER, in base64. */
  readonly chain: readonly string[];
  /** Whether a path to a trust anchor was found, and nothing was found against it. */
  readonly verified: boolean;
  /** The path that was found; where there is none, all that were tried. */
  readonly paths: readonly RecordedPath[];
  /** How many more were tried. */
  readonly pathsNotKept?: number;
}

export interface RecordedNegotiated {
  readonly version: string;
  readonly cipherSuite: string;
  readonly group?: string;
  readonly postQuantum: boolean;
  readonly extendedMasterSecret: boolean;
  readonly alpnProtocol?: string;
  readonly serverName?: string;
  readonly resumed: boolean;
  readonly preSharedKey: boolean;
  readonly earlyData?: 'accepted' | 'rejected';
  readonly helloRetryRequest: boolean;
  readonly signatureScheme?: string;
  readonly peerSignatureScheme?: string;
}

export interface RecordedError {
  readonly code: string;
  readonly message: string;
  readonly origin: 'local' | 'peer';
  /** The alert that was sent, or that came. */
  readonly alert?: string;
  readonly phase: 'handshake' | 'connected' | 'closing' | 'closed';
  readonly state?: string;
  readonly hint?: string;
  /** The code of `CertificateError`, where a certificate was refused. */
  readonly certificateCode?: string;
}

/** A trace event. `at` is in milliseconds from the first one. */
export type RecordedEvent = { readonly at: number } & (
  | {
      readonly type: 'record';
      readonly direction: Direction;
      readonly contentType: number;
      readonly length: number;
      readonly protected: boolean;
    }
  | {
      readonly type: 'message';
      readonly direction: Direction;
      /** What the engine calls it: `client_hello`, `certificate_12`. */
      readonly name: string;
      readonly bytes: string;
    }
  | { readonly type: 'alert'; readonly direction: Direction; readonly alert: string; readonly level: number }
  | { readonly type: 'state'; readonly state: string }
  | {
      readonly type: 'key';
      readonly direction: Direction;
      readonly level: 'early' | 'handshake' | 'application';
      readonly cipherSuite: string;
      readonly generation: number;
    }
  | { readonly type: 'session'; readonly action: 'offered' | 'kept' | 'passed over'; readonly why?: string }
  | { readonly type: 'early_data'; readonly accepted: boolean; readonly why?: string }
  /** Something was found about the peer's certificate: `peer` of the recording. */
  | { readonly type: 'certificate'; readonly verified: boolean }
  /** `negotiated` of the recording. */
  | { readonly type: 'established' }
  | {
      readonly type: 'work';
      readonly operation: 'key exchange' | 'sign' | 'verify' | 'path';
      readonly ms: number;
    }
  | { readonly type: 'wire'; readonly direction: Direction; readonly bytes: string }
  | { readonly type: 'data'; readonly direction: Direction; readonly bytes: string }
  /** With an error, which is `error` of the recording, or in good order. */
  | { readonly type: 'closed'; readonly failed: boolean }
);

export interface Recording {
  readonly format: 'handfast-recording';
  readonly version: 1;
  /** What made it: `handfast`, or a capture's program. */
  readonly program?: string;
  /** Whose view it is: `out` is what this side sent. */
  readonly role: 'client' | 'server';
  /** Whom the client wanted, as a person wrote it: `example.com:443`. */
  readonly target?: string;
  /** When the first event was: ISO 8601, in UTC. */
  readonly started: string;
  readonly events: readonly RecordedEvent[];
  /** Lines of SSLKEYLOGFILE (RFC 9850): whoever has them reads all of the connection. */
  readonly keyLog?: readonly string[];
  readonly negotiated?: RecordedNegotiated;
  readonly peer?: RecordedPeer;
  readonly error?: RecordedError;
  /** What was left out, where a limit was reached or where there was nothing to read it with. */
  readonly dropped?: { readonly events: number; readonly bytes: number };
}

const word: Shape<string> = text(256);
const sentence: Shape<string> = text(8192);
const direction: Shape<Direction> = oneOf('in', 'out');
const der: Shape<string> = base64(1 << 20);
const count: Shape<number> = number('integer', 0, Number.MAX_SAFE_INTEGER);
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

const peer: Shape<RecordedPeer> = object<RecordedPeer>({
  chain: described(list(der, 100), 'DER, as it was sent.'),
  verified: flag,
  paths: described(list(path, 64), 'The path that was found; where there is none, all that were tried.'),
  pathsNotKept: optional(count),
});

const negotiated: Shape<RecordedNegotiated> = object<RecordedNegotiated>({
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

const error: Shape<RecordedError> = object<RecordedError>({
  code: word,
  message: sentence,
  origin: oneOf('local', 'peer'),
  alert: optional(word),
  phase: oneOf('handshake', 'connected', 'closing', 'closed'),
  state: optional(word),
  hint: optional(sentence),
  certificateCode: optional(word),
});

const recording: Shape<Recording> = object<Recording>({
  format: exactly('handfast-recording'),
  version: exactly(1),
  program: optional(word),
  role: described(oneOf('client', 'server'), 'Whose view it is: out is what this side sent.'),
  target: optional(text(1024)),
  started: described(
    text(32, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$/),
    'When the first event was: ISO 8601, in UTC.',
  ),
  events: list(event, recordingLimits.events),
  keyLog: optional(
    described(
      list(text(1024, /^[A-Z0-9_]+ [0-9a-f]{64} [0-9a-f]+$/), recordingLimits.keyLogLines),
      'Lines of SSLKEYLOGFILE (RFC 9850): whoever has them reads all of the connection.',
    ),
  ),
  negotiated: optional(negotiated),
  peer: optional(peer),
  error: optional(error),
  dropped: optional(object<NonNullable<Recording['dropped']>>({ events: count, bytes: count })),
});

/** What `recording.schema.json` holds. */
export const recordingSchema: JsonSchema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  $id: 'urn:handfast:recording:1',
  title: 'A TLS connection, recorded by Handfast',
  ...recording.schema,
};

/**
 * A recording from a file, of whoever: checked to its last property, and copied.
 * @param json what `JSON.parse` answered.
 * @throws RecordingError that says where it is wrong: `events[3].bytes: …`.
 */
export function readRecording(json: unknown): Recording {
  const budget: Budget = { bytes: recordingLimits.bytes };
  return readAll(recording, json, budget);
}
