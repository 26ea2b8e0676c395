/**
 * Trace events as JSON values for programs (`--json`): the decoded fields that negotiation turns on, by IANA's names.
 *
 * @module
 */

import { quote, type TraceEvent } from '@handfast/tls';
import {
  curveOf,
  groupName,
  type HandshakeMessage,
  messageTitle,
  schemeName,
  suiteName,
  versionName,
} from '@handfast/viewer';
import { parseCertificate } from '@handfast/x509';
import { explainJson } from './explain.ts';
import { nameOf } from './transcript.ts';

const contentTypes: ReadonlyMap<number, string> = new Map([
  [20, 'change_cipher_spec'],
  [21, 'alert'],
  [22, 'handshake'],
  [23, 'application_data'],
]);

/** One value an event; `at` is in milliseconds of a clock that begins anywhere. */
export function traceJson(event: TraceEvent): object {
  const { at, role, type } = event;
  return { event: type, at: Math.round(at * 1000) / 1000, role, ...detail(event) };
}

function detail(event: TraceEvent): object {
  switch (event.type) {
    case 'record': {
      const { direction, contentType, length, protected: isProtected } = event;
      return { direction, contentType: contentTypes.get(contentType) ?? contentType, length, protected: isProtected };
    }
    case 'message': {
      const { direction, message } = event;
      return { direction, message: messageTitle(message), length: message.raw.length, ...fields(message) };
    }
    case 'alert':
      return { direction: event.direction, alert: event.alert, level: event.level === 1 ? 'warning' : 'fatal' };
    case 'state':
      return { state: event.state };
    case 'key': {
      const { direction, level, cipherSuite, generation } = event;
      return { direction, level, cipherSuite, generation };
    }
    case 'certificate': {
      const { chain, path, error } = event.peer;
      return {
        chain: chain.map(nameOf),
        verified: path !== undefined && error === undefined,
        path: path?.path.map(nameOf) ?? null,
        ...(error === undefined ? {} : { error: explainJson(error) }),
      };
    }
    case 'session':
      return { action: event.action, ...('why' in event ? { why: event.why } : {}) };
    case 'early_data':
      return { accepted: event.accepted, ...('why' in event ? { why: event.why } : {}) };
    case 'established':
      return negotiatedJson(event.negotiated);
    case 'work':
      return { operation: event.operation, ms: Math.round(event.ms * 1000) / 1000 };
    case 'wire':
    case 'data':
      return { direction: event.direction, length: event.bytes.length };
    case 'closed':
      return { error: event.error === undefined ? null : explainJson(event.error) };
  }
}

/** What both sides agreed on. */
export function negotiatedJson(negotiated: Extract<TraceEvent, { type: 'established' }>['negotiated']): object {
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

function fields(message: HandshakeMessage): object {
  switch (message.type) {
    case 'client_hello': {
      const { extensions } = message;
      return {
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
      const share = message.extensions.key_share;
      return {
        cipherSuite: suiteName(message.cipherSuite),
        group: share === undefined ? null : groupName(share.group),
      };
    }
    case 'hello_retry_request': {
      const group = message.extensions.key_share;
      return { cipherSuite: suiteName(message.cipherSuite), group: group === undefined ? null : groupName(group) };
    }
    case 'encrypted_extensions':
      return {
        alpnProtocol: message.extensions.application_layer_protocol_negotiation ?? null,
        earlyData: message.extensions.early_data ?? false,
      };
    case 'certificate_request':
      return { signatureSchemes: message.extensions.signature_algorithms?.map(schemeName) ?? [] };
    case 'certificate':
      return { chain: message.chain.map(certificateName) };
    case 'certificate_verify':
      return { signatureScheme: schemeName(message.algorithm) };
    case 'key_update':
      return { updateRequested: message.updateRequested };
    case 'legacy_server_hello':
      return { version: versionName(message.legacyVersion), cipherSuite: suiteName(message.cipherSuite) };
    case 'certificate_12':
      return { chain: message.chain.map(certificateName) };
    case 'server_key_exchange':
      return { group: curveOf(message.body) ?? null };
    case 'certificate_request_12':
      return { signatureSchemes: message.signatureAlgorithms?.map(schemeName) ?? [] };
    case 'certificate_verify_12':
      return { signatureScheme: message.algorithm === undefined ? null : schemeName(message.algorithm) };
    case 'hello_request':
    case 'certificate_status':
    case 'server_hello_done':
    case 'client_key_exchange':
    case 'end_of_early_data':
    case 'finished':
      return {};
    case 'new_session_ticket':
      return { lifetime: message.ticketLifetime, ticketLength: message.ticket.length };
    case 'new_session_ticket_12':
      return { lifetime: message.lifetimeHint, ticketLength: message.ticket.length };
  }
}

function certificateName(der: Uint8Array): string {
  try {
    return nameOf(parseCertificate(der));
  } catch (error) {
    return `unreadable: ${quote(error instanceof Error ? error.message : String(error))}`;
  }
}
