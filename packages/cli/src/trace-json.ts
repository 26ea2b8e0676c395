/**
 * Trace events as JSON values for programs (`--json`): the decoded fields that negotiation turns on, by IANA's names. What they may
 * hold is in `lines/`.
 *
 * @module
 */

import { quote, type TraceEvent } from '@handfast/tls';
import { curveOf, groupName, type HandshakeMessage, schemeName, suiteName, versionName } from '@handfast/viewer';
import { parseCertificate } from '@handfast/x509';
import { exitCodes } from './exit.ts';
import { explainJson } from './explain.ts';
import type { NegotiatedFields } from './lines/common.ts';
import type { EventFields, MessageFields, TraceLine } from './lines/trace.ts';
import { nameOf } from './transcript.ts';

const contentTypes: ReadonlyMap<number, string> = new Map([
  [20, 'change_cipher_spec'],
  [21, 'alert'],
  [22, 'handshake'],
  [23, 'application_data'],
]);

/** One value an event; `at` is in milliseconds of a clock that begins anywhere. */
export function traceJson(event: TraceEvent): TraceLine {
  const { connection, at, role } = event;
  const { event: name, ...fields } = detail(event);
  // The name stands first, and each variant keeps its own fields: what the compiler cannot follow through a spread.
  return { event: name, connection, at: Math.round(at * 1000) / 1000, role, ...fields } as TraceLine;
}

function detail(event: TraceEvent): EventFields {
  switch (event.type) {
    case 'record': {
      const { direction, contentType, length, protected: isProtected } = event;
      const content = contentTypes.get(contentType) ?? String(contentType);
      return { event: event.type, direction, contentType: content, length, protected: isProtected };
    }
    case 'message': {
      const { direction, message } = event;
      return { event: event.type, direction, ...fields(message), length: message.raw.length };
    }
    case 'alert': {
      const { direction, alert, level } = event;
      return { event: event.type, direction, alert, level: level === 1 ? 'warning' : 'fatal' };
    }
    case 'state':
      return { event: event.type, state: event.state };
    case 'key': {
      const { direction, level, cipherSuite, generation } = event;
      return { event: event.type, direction, level, cipherSuite, generation };
    }
    case 'certificate': {
      const { chain, path, error } = event.peer;
      return {
        event: event.type,
        chain: chain.map(nameOf),
        verified: path !== undefined && error === undefined,
        path: path?.path.map(nameOf) ?? null,
        ...(error && { error: { ...explainJson(error), exitCode: exitCodes.certificateRefused } }),
      };
    }
    case 'session':
      return { event: event.type, action: event.action, ...('why' in event ? { why: event.why } : {}) };
    case 'early_data':
      return { event: event.type, accepted: event.accepted, ...('why' in event ? { why: event.why } : {}) };
    case 'established':
      return { event: event.type, ...negotiatedJson(event.negotiated) };
    case 'work':
      return { event: event.type, operation: event.operation, ms: Math.round(event.ms * 1000) / 1000 };
    case 'wire':
    case 'data':
      return { event: event.type, direction: event.direction, length: event.bytes.length };
    case 'closed':
      return { event: event.type, error: event.error === undefined ? null : explainJson(event.error) };
  }
}

/** What both sides agreed on. */
export function negotiatedJson(
  negotiated: Extract<TraceEvent, { type: 'established' }>['negotiated'],
): NegotiatedFields {
  const { peer } = negotiated;
  return {
    version: negotiated.version,
    cipherSuite: negotiated.cipherSuite.name,
    group: negotiated.group?.name ?? null,
    postQuantum: negotiated.group?.postQuantum ?? false,
    alpnProtocol: negotiated.alpnProtocol ?? null,
    serverName: negotiated.serverName ?? null,
    helloRetryRequest: negotiated.helloRetryRequest,
    earlyData: negotiated.earlyData ?? null,
    resumed: negotiated.resumed,
    signatureScheme: negotiated.signatureScheme?.name ?? null,
    peerSignatureScheme: negotiated.peerSignatureScheme?.name ?? null,
    peer:
      peer === undefined
        ? null
        : { chain: peer.chain.map(nameOf), verified: peer.path !== undefined && peer.error === undefined },
  };
}

function fields(message: HandshakeMessage): MessageFields {
  switch (message.type) {
    case 'client_hello': {
      const { extensions } = message;
      return {
        message: 'ClientHello',
        cipherSuites: message.cipherSuites.map(suiteName),
        versions: extensions.supported_versions?.map(versionName) ?? [],
        groups: extensions.supported_groups?.map(groupName) ?? [],
        keyShares: extensions.key_share?.map(({ group }) => groupName(group)) ?? [],
        signatureSchemes: extensions.signature_algorithms?.map(schemeName) ?? [],
        serverName: extensions.server_name ?? null,
        alpnProtocols: extensions.application_layer_protocol_negotiation ?? [],
        earlyData: extensions.early_data ?? false,
      };
    }
    case 'server_hello': {
      const { supported_versions: version, key_share: share } = message.extensions;
      return {
        message: 'ServerHello',
        version: versionName(version ?? message.legacyVersion),
        cipherSuite: suiteName(message.cipherSuite),
        group: share === undefined ? null : groupName(share.group),
      };
    }
    case 'legacy_server_hello': {
      const { legacyVersion, cipherSuite } = message;
      return {
        ...{ message: 'ServerHello', version: versionName(legacyVersion), cipherSuite: suiteName(cipherSuite) },
        group: null,
      };
    }
    case 'hello_retry_request': {
      const group = message.extensions.key_share;
      return {
        message: 'HelloRetryRequest',
        cipherSuite: suiteName(message.cipherSuite),
        group: group === undefined ? null : groupName(group),
      };
    }
    case 'encrypted_extensions': {
      const { application_layer_protocol_negotiation: alpnProtocol, early_data: earlyData } = message.extensions;
      return { message: 'EncryptedExtensions', alpnProtocol: alpnProtocol ?? null, earlyData: earlyData ?? false };
    }
    case 'server_key_exchange':
      return { message: 'ServerKeyExchange', group: curveOf(message.body) ?? null };
    case 'certificate_request':
      return requestFields(message.extensions.signature_algorithms);
    case 'certificate_request_12':
      return requestFields(message.signatureAlgorithms);
    case 'certificate':
    case 'certificate_12':
      return { message: 'Certificate', chain: message.chain.map(certificateName) };
    case 'certificate_verify':
    case 'certificate_verify_12': {
      const { algorithm } = message;
      return { message: 'CertificateVerify', signatureScheme: algorithm === undefined ? null : schemeName(algorithm) };
    }
    case 'new_session_ticket':
      return ticketFields(message.ticketLifetime, message.ticket);
    case 'new_session_ticket_12':
      return ticketFields(message.lifetimeHint, message.ticket);
    case 'key_update':
      return { message: 'KeyUpdate', updateRequested: message.updateRequested };
    case 'hello_request':
      return { message: 'HelloRequest' };
    case 'certificate_status':
      return { message: 'CertificateStatus' };
    case 'server_hello_done':
      return { message: 'ServerHelloDone' };
    case 'client_key_exchange':
      return { message: 'ClientKeyExchange' };
    case 'end_of_early_data':
      return { message: 'EndOfEarlyData' };
    case 'finished':
      return { message: 'Finished' };
  }
}

function requestFields(schemes: readonly number[] = []): MessageFields {
  return { message: 'CertificateRequest', signatureSchemes: schemes.map(schemeName) };
}

function ticketFields(lifetime: number, ticket: Uint8Array): MessageFields {
  return { message: 'NewSessionTicket', lifetime, ticketLength: ticket.length };
}

function certificateName(der: Uint8Array): string {
  try {
    return nameOf(parseCertificate(der));
  } catch (error) {
    return `unreadable: ${quote(error instanceof Error ? error.message : String(error))}`;
  }
}
