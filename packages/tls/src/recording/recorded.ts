/**
 * What a recording holds of an event, of what was agreed on, of a peer and of an error: copies, as JSON has them, of bounded length.
 *
 * @module
 */

import { CertificateError, pathChecks, type RefusedPath, type VerifiedPath } from '@handfast/x509';
import type { TlsError } from '../errors.ts';
import type { Negotiated } from '../flow.ts';
import type { TraceEvent } from '../trace.ts';
import { toBase64 } from './base64.ts';
import type { RecordedError, RecordedEvent, RecordedNegotiated, RecordedPath, RecordedPeer } from './recording.ts';

/** @param from when the first event of the connection was */
export function recordedEvent(event: TraceEvent, from: number): RecordedEvent {
  return { at: milliseconds(event.at - from), ...detailOf(event) };
}

type Detail<E = RecordedEvent> = E extends RecordedEvent ? Omit<E, 'at'> : never;

/** All of it but the time. */
function detailOf(event: TraceEvent): Detail {
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

export function recordedNegotiated(negotiated: Negotiated): RecordedNegotiated {
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

/** As many as a reader takes of each. */
const maxPaths = 64;
const maxLinks = 64;

export function recordedPeer(
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

export function recordedError(error: TlsError): RecordedError {
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
