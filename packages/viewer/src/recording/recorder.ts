/**
 * A listener that writes a connection down. What it is told is bounded, in events and bytes: beyond, it counts what it leaves out.
 * It never throws: a recorder must not end what it looks at.
 *
 * @module
 */

import { toHex } from '@handfast/crypto';
import type { KeyLogListener, TlsError, TraceEvent, TraceListener } from '@handfast/tls';
import { CertificateError, pathChecks, type RefusedPath, type VerifiedPath } from '@handfast/x509';
import { toBase64 } from './base64.ts';
import type {
  RecordedError,
  RecordedEvent,
  RecordedNegotiated,
  RecordedPath,
  RecordedPeer,
  Recording,
} from './recording.ts';
import { recordingLimits } from './recording.ts';

export interface RecorderOptions {
  /** Whom the client wants, for the reader: `example.com:443`. */
  readonly target?: string;
  /** What makes the recording. Default: `handfast`. */
  readonly program?: string;
  /** The time of day. */
  readonly now?: () => Date;
  /** Default: 10,000. */
  readonly maxEvents?: number;
  /** Bytes of messages, records and data together. Default: 8 MiB. */
  readonly maxBytes?: number;
}

export interface Recorder {
  /** For `trace`, of a config or a handler: the first connection that it hears of is the one that it records. */
  readonly trace: TraceListener;
  /** For `keyLog`, where the recording is to have the connection's secrets: leave it out where not. */
  readonly keyLog: KeyLogListener;
  /** What was recorded so far; undefined before the first event. */
  recording(): Recording | undefined;
}

/**
 * @example
 * ```ts
 * const { trace, recording } = recorder({ target: 'example.com:443' });
 * const config = clientConfig({ ...options, trace, traceDetails: { wire: true } });
 * // … and after the connection:
 * const text = JSON.stringify(recording());
 * ```
 */
export function recorder(options: RecorderOptions = {}): Recorder {
  const writing = new Writing(options);
  return {
    trace: (event) => writing.event(event),
    keyLog: (line) => writing.keyLine(line),
    recording: () => writing.recording(),
  };
}

/** So many hellos' randoms are kept: one a handshake, renegotiations included. */
const maxHellos = 16;

class Writing {
  readonly #options: RecorderOptions;
  readonly #events: RecordedEvent[] = [];
  readonly #keyLog: string[] = [];
  /** The client's, of each handshake: lines of the key log begin with one of them. */
  readonly #randoms: Set<string> = new Set();
  readonly #dropped: { events: number; bytes: number } = { events: 0, bytes: 0 };
  #first: { readonly event: TraceEvent; readonly started: string } | undefined;
  #bytes = 0;
  #full = false;
  #negotiated: RecordedNegotiated | undefined;
  #peer: RecordedPeer | undefined;
  #error: RecordedError | undefined;

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  event(event: TraceEvent): void {
    try {
      this.#first ??= { event, started: (this.#options.now?.() ?? new Date()).toISOString() };
      if (event.connection === this.#first.event.connection) this.#take(event, this.#first.event.at);
    } catch {
      this.#dropped.events++;
    }
  }

  keyLine(line: string): void {
    const random = line.split(' ', 2)[1];
    if (random !== undefined && this.#randoms.has(random) && this.#keyLog.length < recordingLimits.keyLogLines) {
      this.#keyLog.push(line);
    }
  }

  recording(): Recording | undefined {
    if (this.#first === undefined) return undefined;
    const { program = 'handfast', target } = this.#options;
    return {
      format: 'handfast-recording',
      version: 1,
      program,
      role: this.#first.event.role,
      ...(target !== undefined && { target: target.slice(0, 1024) }),
      started: this.#first.started,
      events: [...this.#events],
      ...(this.#keyLog.length > 0 && { keyLog: [...this.#keyLog] }),
      ...(this.#negotiated && { negotiated: this.#negotiated }),
      ...(this.#peer && { peer: this.#peer }),
      ...(this.#error && { error: this.#error }),
      ...(this.#dropped.events > 0 && { dropped: { ...this.#dropped } }),
    };
  }

  #take(event: TraceEvent, from: number): void {
    this.#summarize(event);
    const bytes = event.type === 'message' ? event.message.raw : 'bytes' in event ? event.bytes : undefined;
    const { maxEvents = 10_000, maxBytes = 8 * 1024 * 1024 } = this.#options;
    if (bytes !== undefined) {
      // Of a stream that has a gap nothing more is kept: what follows could not be put in its place.
      this.#full ||= this.#bytes + bytes.length > Math.min(maxBytes, recordingLimits.bytes / 2);
      if (this.#full) {
        this.#dropped.events++;
        this.#dropped.bytes += bytes.length;
        return;
      }
    }
    // The end has room in any case.
    if (this.#events.length >= Math.min(maxEvents, recordingLimits.events) - (event.type === 'closed' ? 0 : 1)) {
      this.#full = true;
      this.#dropped.events++;
      this.#dropped.bytes += bytes?.length ?? 0;
      return;
    }
    this.#bytes += bytes?.length ?? 0;
    this.#events.push({ at: milliseconds(event.at - from), ...detailOf(event) } as RecordedEvent);
  }

  #summarize(event: TraceEvent): void {
    if (event.type === 'message' && event.message.type === 'client_hello' && this.#randoms.size < maxHellos) {
      this.#randoms.add(toHex(event.message.random));
    } else if (event.type === 'established') this.#negotiated = negotiatedOf(event.negotiated);
    else if (event.type === 'certificate') {
      const { chain, path, error } = event.peer;
      this.#peer = peerOf(
        chain.map(({ raw }) => raw),
        path,
        error,
      );
    } else if (event.type === 'message' && event.direction === 'in' && 'chain' in event.message) {
      // Where it is refused, nothing but the error tells more of it.
      this.#peer = peerOf(event.message.chain, undefined, undefined);
    } else if (event.type === 'closed' && event.error !== undefined) {
      const { error } = event;
      this.#error = errorOf(error);
      if (error.cause instanceof CertificateError) {
        const chain = this.#peer?.chain ?? [];
        this.#peer = { ...peerOf([], undefined, error.cause), chain };
      }
    }
  }
}

/** What JSON holds of an event, beside its time. */
function detailOf(event: TraceEvent): object {
  switch (event.type) {
    case 'record': {
      const { type, direction, contentType, length, protected: isProtected } = event;
      return { type, direction, contentType, length, protected: isProtected };
    }
    case 'message': {
      const { type, direction, message } = event;
      return { type, direction, name: message.type, bytes: toBase64(message.raw) };
    }
    case 'alert': {
      const { type, direction, alert, level } = event;
      return { type, direction, alert, level };
    }
    case 'state':
      return { type: event.type, state: event.state };
    case 'key': {
      const { type, direction, level, cipherSuite, generation } = event;
      return { type, direction, level, cipherSuite, generation };
    }
    case 'session':
      return { type: event.type, action: event.action, ...('why' in event && { why: cut(event.why) }) };
    case 'early_data':
      return { type: event.type, accepted: event.accepted, ...('why' in event && { why: cut(event.why) }) };
    case 'certificate':
      return { type: event.type, verified: event.peer.path !== undefined && event.peer.error === undefined };
    case 'established':
      return { type: event.type };
    case 'work':
      return { type: event.type, operation: event.operation, ms: milliseconds(event.ms) };
    case 'wire':
    case 'data': {
      const { type, direction, bytes } = event;
      return { type, direction, bytes: toBase64(bytes) };
    }
    case 'closed':
      return { type: event.type, failed: event.error !== undefined };
  }
}

type Negotiated = Extract<TraceEvent, { readonly type: 'established' }>['negotiated'];

function negotiatedOf(negotiated: Negotiated): RecordedNegotiated {
  const { version, cipherSuite, group, alpnProtocol, serverName, earlyData, pskIdentity } = negotiated;
  const { signatureScheme, peerSignatureScheme } = negotiated;
  return {
    version,
    cipherSuite: cipherSuite.name,
    ...(group && { group: group.name }),
    postQuantum: group?.postQuantum ?? false,
    extendedMasterSecret: negotiated.extendedMasterSecret,
    ...(alpnProtocol !== undefined && { alpnProtocol }),
    ...(serverName !== undefined && { serverName: serverName.slice(0, 255) }),
    resumed: negotiated.resumed,
    preSharedKey: pskIdentity !== undefined,
    ...(earlyData && { earlyData }),
    helloRetryRequest: negotiated.helloRetryRequest,
    ...(signatureScheme && { signatureScheme: signatureScheme.name }),
    ...(peerSignatureScheme && { peerSignatureScheme: peerSignatureScheme.name }),
  };
}

/** As many as `recording.ts` takes of each. */
const maxPaths = 64;
const maxLinks = 64;

function peerOf(
  chain: readonly Uint8Array[],
  path: VerifiedPath | undefined,
  error: CertificateError | undefined,
): RecordedPeer {
  const tried = error?.paths ?? [];
  const notKept = (error?.pathsNotKept ?? 0) + Math.max(0, tried.length - maxPaths);
  return {
    chain: chain.slice(0, 100).map(toBase64),
    verified: path !== undefined && error === undefined,
    paths: path === undefined ? tried.slice(0, maxPaths).map(refusedPath) : [passedPath(path)],
    ...(notKept > 0 && { pathsNotKept: notKept }),
  };
}

function passedPath(verified: VerifiedPath): RecordedPath {
  const checks = pathChecks(verified);
  return {
    certificates: verified.path.slice(0, maxLinks).map((certificate) => ({
      certificate: toBase64(certificate.raw),
      checks: checks
        .filter((check) => check.certificate === certificate)
        .map(({ rule, detail }) => ({ rule, detail: cut(detail), passed: true })),
    })),
  };
}

function refusedPath({ certificates, certificate: refused, rule, message }: RefusedPath): RecordedPath {
  return {
    rule,
    certificates: certificates.slice(0, maxLinks).map((certificate) => ({
      certificate: toBase64(certificate.raw),
      checks: certificate === refused ? [{ rule, detail: cut(message), passed: false }] : [],
    })),
  };
}

function errorOf(error: TlsError): RecordedError {
  const { tlsCode, message, origin, alert, phase, state, hint, cause } = error;
  return {
    code: tlsCode,
    message: cut(message),
    origin,
    ...(alert !== null && { alert }),
    phase,
    ...(state !== undefined && { state }),
    ...(hint !== undefined && { hint: cut(hint) }),
    ...(cause instanceof CertificateError && { certificateCode: cause.code }),
  };
}

function cut(text: string): string {
  return text.length > 8192 ? `${text.slice(0, 8191)}…` : text;
}

/** To a thousandth. */
function milliseconds(value: number): number {
  return Math.max(0, Math.round(value * 1000) / 1000);
}
