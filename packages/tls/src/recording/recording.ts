/**
 * One connection as plain JSON: what the trace told, the secrets where somebody wanted them in it, and what came of it. Whole, as
 * a `Recording`; or as it goes on, in `Part`s. Who reads either from outside checks it first: `@handfast/viewer`.
 *
 * @module
 */

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

/** What has been learnt of one connection since the part before. */
export interface Part {
  /** Of the connection, within its program. */
  readonly id: number;
  /** In the first part alone. */
  readonly begins?: PartBegins;
  readonly events?: readonly RecordedEvent[];
  /** Lines of SSLKEYLOGFILE, where they were asked for. */
  readonly keyLog?: readonly string[];
  readonly negotiated?: RecordedNegotiated;
  /** As it is now: more may be found. */
  readonly peer?: RecordedPeer;
  readonly error?: RecordedError;
  /** What was left out so far, in all. */
  readonly dropped?: NonNullable<Recording['dropped']>;
  /** Nothing more comes. */
  readonly ended?: true;
}

export interface PartBegins {
  readonly role: 'client' | 'server';
  /** Whom the client wanted: `example.com:443`. */
  readonly target?: string;
  /** When the first event was: ISO 8601, in UTC, to the microsecond where the clock is so fine. */
  readonly started: string;
}

/** A part, or what else is told of connections as they happen, is a line of JSON of at most so many bytes, its end included. */
export const maxLiveLine = 1_048_576;
