/**
 * Causes of a handshake that the server ended by an alert, or nobody knows how.
 *
 * @module
 */

import type { AlertName } from '@handfast/tls';
import type { Evidence, Failure } from '../evidence.ts';
import type { Cause, Found } from './cause.ts';
import { handshakeFailure, sentence } from './handshake.ts';

/** The server refused, by one of these alerts. */
function alerted(alerts: readonly AlertName[], says: (evidence: Evidence, failure: Failure) => Found): Cause['find'] {
  return (evidence) => {
    const failure = handshakeFailure(evidence);
    if (failure?.origin !== 'peer') return undefined;
    return alerts.some((alert) => alert === failure.alert) ? says(evidence, failure) : undefined;
  };
}

export const alertCauses: readonly Cause[] = [
  {
    id: 'sni_needed',
    title: 'The server wants to be named',
    side: 'client',
    told: 'likely: no name was sent, as there is none for an address, and the server refused',
    codes: ['peer_alert'],
    remedy: 'connect by the name, or say which one with --servername',
    find: (evidence) => {
      const failure = handshakeFailure(evidence);
      if (failure === undefined || evidence.main.serverName !== undefined || evidence.main.version !== undefined)
        return undefined;
      const named = failure.alert === 'unrecognized_name' || failure.alert === 'handshake_failure';
      if (failure.origin !== 'peer' || !named) return undefined;
      return {
        certainty: failure.alert === 'unrecognized_name' ? 'certain' : 'likely',
        says: `The server was asked for no name (an address is never sent as one), and refused: alert ${failure.alert}.`,
      };
    },
  },
  {
    id: 'no_common_version',
    title: 'No common version',
    side: 'server',
    told: 'certain: the alert protocol_version says so',
    codes: ['peer_alert', 'protocol_version'],
    remedy: 'allow TLS 1.2 or TLS 1.3 in the server',
    find: alerted(['protocol_version', 'inappropriate_fallback'], () => ({
      certainty: 'certain',
      says: 'The server speaks none of the versions that were offered, and none of the older ones that were tried either.',
    })),
  },
  {
    id: 'no_common_parameters',
    title: 'No common suite, group or signature scheme',
    side: 'server',
    told: 'likely: the alert says so, and no way of connecting that we know led further; servers that want a client certificate, or a name, say so as well',
    codes: ['peer_alert', 'insufficient_security'],
    remedy:
      'look into the server’s log for what it misses, and allow TLS_AES_128_GCM_SHA256, x25519 and secp256r1 in it; a server without any certificate also answers so',
    find: alerted(['handshake_failure', 'insufficient_security', 'missing_extension'], (_, { alert }) => ({
      certainty: 'likely',
      says: `The server found nothing in common with us (alert ${alert}), whatever was offered: no suite, group or signature scheme, or it has no certificate to show.`,
    })),
  },
  {
    id: 'server_internal',
    title: 'The server failed',
    side: 'server',
    told: 'certain: the alert internal_error says so',
    codes: ['peer_alert'],
    remedy: 'look into the server’s log at this time',
    find: alerted(['internal_error'], () => ({
      certainty: 'certain',
      says: 'The server failed for a reason of its own (alert internal_error): its configuration, its key or its memory.',
    })),
  },
  {
    id: 'access_denied',
    title: 'The server denies access',
    side: 'server',
    told: 'certain: the alert access_denied says so',
    codes: ['peer_alert'],
    remedy: 'ask who runs the server to let this machine in',
    find: alerted(['access_denied', 'user_canceled'], (_, { alert }) => ({
      certainty: 'certain',
      says: `The server understood everything and denies access (alert ${alert}).`,
    })),
  },
  {
    id: 'refused_by_alert',
    title: 'The server refused the handshake',
    side: 'server',
    told: 'certain that it did; why, its alert says as far as it goes',
    codes: ['peer_alert'],
    remedy: 'look into the server’s log at this time: the alert is all that it tells us',
    find: (evidence) => {
      const failure = handshakeFailure(evidence);
      return failure?.origin === 'peer' ? { certainty: 'possible', says: `${sentence(failure.message)}.` } : undefined;
    },
  },
];

/** Where no row fits: what is known. Certificates that made the handshake fail are told by their own rows. */
export const unexplained: Cause = {
  id: 'unexplained',
  title: 'The handshake fails, and nothing tells why',
  side: 'server',
  told: 'possible: no row fits',
  remedy: '`handfast connect --trace` draws the handshake; the server’s log may say more',
  find: (evidence) => {
    const failure = handshakeFailure(evidence);
    if (failure === undefined || failure.code.startsWith('certificate_')) return undefined;
    return {
      certainty: 'possible',
      says: `${sentence(failure.message)}.`,
    };
  },
};
