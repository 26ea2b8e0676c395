/**
 * Causes that another way of connecting shows: what was left out or added made the difference.
 *
 * @module
 */

import { formatHostPort } from '../../options.ts';
import { type Attempt, attemptOf, type Evidence, type Failure, type ProbeId, worked } from '../evidence.ts';
import type { Cause, Found } from './cause.ts';
import { ending, handshakeFailure, refusing } from './handshake.ts';

/** Another way of connecting led to a connection, and is the reason for that. */
function byProbe(
  probe: ProbeId,
  says: (evidence: Evidence, attempt: Attempt, failure: Failure) => Found | undefined,
): Cause['find'] {
  return (evidence) => {
    const failure = handshakeFailure(evidence);
    const made = attemptOf(evidence, probe);
    if (failure === undefined || made === undefined || !worked(evidence, probe)) return undefined;
    const found = says(evidence, made, failure);
    return found && { probes: ['main', probe], ...found };
  };
}

const tooOld: readonly string[] = ['TLS 1.1', 'TLS 1.0', 'SSL 3.0'];

/** What a suite's name says of it that modern clients refuse. */
function oldWays(suite: string): string {
  if (suite.startsWith('TLS_RSA_'))
    return 'RSA key exchange, which keeps nothing secret once the server’s key is stolen';
  if (suite.startsWith('TLS_DHE_'))
    return 'finite-field Diffie–Hellman (DHE), whose parameters nobody can judge in time';
  if (suite.startsWith('TLS_ECDH_')) return 'static ECDH, which keeps nothing secret once the server’s key is stolen';
  return 'ciphers that are out of use (CBC with HMAC, RC4, 3DES)';
}

export const differenceCauses: readonly Cause[] = [
  {
    id: 'intermittent',
    title: 'It fails sometimes',
    side: 'server',
    told: 'possible: the same connection failed once and stood the second time',
    remedy: 'try again a few times; behind a load balancer, look for the one server of several that differs',
    find: byProbe('again', (_, _made, failure) => ({
      certainty: 'possible',
      says: `The first handshake failed (${ending(failure)}), the same one stood when it was tried again: one of several servers behind this address may differ, or the network lose connections.`,
    })),
  },
  {
    id: 'large_hello',
    title: 'A large ClientHello is not taken',
    side: 'network',
    told: 'likely: with post-quantum key exchange the hello is larger than one packet and gets no answer, without it the connection stands',
    codes: ['handshake_timeout', 'truncated', 'transport_failed'],
    remedy:
      'bring the server, or the firewall or load balancer before it, to a version that reads a ClientHello of more than one packet (https://tldr.fail); until then a client can leave post-quantum groups out: --groups x25519,secp256r1',
    find: byProbe('classical', ({ main }, made, failure) =>
      failure.step === 'hello' && failure.origin === 'local'
        ? {
            certainty: 'likely',
            says: `A ClientHello of ${main.helloBytes} bytes, which post-quantum key exchange makes it, got no answer (${ending(failure)}); one of ${made.helloBytes} bytes led to a connection. Something there reads the first packet alone: a load balancer, a firewall, or the server.`,
          }
        : undefined,
    ),
  },
  {
    id: 'post_quantum_broken',
    title: 'Post-quantum key exchange fails',
    side: 'server',
    told: 'likely: without it the connection stands',
    codes: ['illegal_parameter', 'decrypt_error', 'peer_alert'],
    remedy: 'bring the server to a version whose X25519MLKEM768 works; until then: --groups x25519,secp256r1',
    find: byProbe('classical', (_, _made, failure) => ({
      certainty: 'likely',
      says: `With post-quantum groups offered the handshake fails (${ending(failure)}), without them it stands.`,
    })),
  },
  {
    id: 'version_intolerant',
    title: 'A hello of TLS 1.3 is not taken',
    side: 'server',
    told: 'likely: a hello that knows TLS 1.2 alone leads to a connection',
    codes: ['peer_alert', 'truncated', 'handshake_timeout', 'transport_failed'],
    remedy:
      'bring the server, or the middlebox before it, to a version that ignores what it does not know, as RFC 5246 already demands; until then a client can use --max-version 1.2',
    find: byProbe('tls12', ({ main }, _made, failure) =>
      main.version === undefined
        ? {
            certainty: 'likely',
            says: `A hello that offers TLS 1.3 and TLS 1.2 fails (${ending(failure)}), where one that knows TLS 1.2 alone leads to a connection: the server, or something before it, does not bear what is newer.`,
          }
        : undefined,
    ),
  },
  {
    id: 'tls13_broken',
    title: 'The server’s TLS 1.3 is broken',
    side: 'server',
    told: 'likely: the server chose TLS 1.3 and it failed, while TLS 1.2 stands',
    codes: ['unexpected_message', 'illegal_parameter', 'decode_error', 'decrypt_error', 'bad_record_mac'],
    remedy: 'bring the server’s TLS library up to date, or switch its TLS 1.3 off until it is',
    find: byProbe('tls12', ({ main }, _made, failure) =>
      main.version === 'TLS 1.3'
        ? {
            certainty: 'likely',
            says: `The server chooses TLS 1.3 and then fails at it: ${failure.message}. By TLS 1.2 the connection stands.`,
          }
        : undefined,
    ),
  },
  {
    id: 'options_too_narrow',
    title: 'The options leave nothing in common',
    side: 'client',
    told: 'certain: with everything on offer, the connection stands',
    codes: ['peer_alert', 'protocol_version'],
    remedy: 'offer more: leave out --min-version, --max-version, --groups, --ciphers or --signature-schemes',
    find: byProbe('broad', ({ target }, made) =>
      target.limited
        ? {
            certainty: 'certain',
            says: `What the options offer, the server does not take; with everything on offer it chooses ${chosen(made)}.`,
          }
        : undefined,
    ),
  },
  {
    id: 'no_common_group',
    title: 'No common key exchange group',
    side: 'server',
    told: 'certain: with groups beyond the usual ones the connection stands, by one of those',
    codes: ['peer_alert', 'illegal_parameter'],
    remedy: 'allow x25519 or secp256r1 in the server, which every client has',
    find: byProbe('broad', (_, made) => ({
      certainty: 'certain',
      says: `The server takes none of the usual groups; with all on offer it chooses ${chosen(made)}.`,
    })),
  },
  {
    id: 'unknown_name',
    title: 'The server does not serve this name',
    side: 'server',
    told: 'certain by the alert unrecognized_name; likely where leaving the name out is what helps',
    codes: ['peer_alert', 'unrecognized_name'],
    remedy: 'set the name up in the server, or look whether the DNS leads to the right one',
    find: (evidence) => {
      const failure = handshakeFailure(evidence);
      const { main, target } = evidence;
      if (failure === undefined || main.serverName === undefined) return undefined;
      const without = worked(evidence, 'noSni');
      const named = failure.origin === 'peer' && failure.alert === 'unrecognized_name';
      if (!named && !without) return undefined;
      return {
        certainty: named ? 'certain' : 'likely',
        says: `${formatHostPort(target)} refuses to speak for the name "${main.serverName}"${named ? ' (alert unrecognized_name)' : ` (${ending(failure)})`}${without ? '; asked for no name, it answers' : ''}.`,
        probes: without ? ['main', 'noSni'] : ['main'],
      };
    },
  },
  {
    id: 'alpn_refused',
    title: 'No common application protocol',
    side: 'client',
    told: 'certain: the alert says so, or without ALPN the connection stands',
    codes: ['peer_alert', 'no_application_protocol'],
    remedy: 'name a protocol in --alpn that the server speaks, or none',
    find: (evidence) => {
      const failure = handshakeFailure(evidence);
      const { target } = evidence;
      if (failure === undefined || target.alpn.length === 0) return undefined;
      const without = worked(evidence, 'noAlpn');
      if (!without && failure.alert !== 'no_application_protocol') return undefined;
      return {
        certainty: 'certain',
        says: `The server speaks none of the application protocols that were offered (ALPN: ${target.alpn.join(', ')})${without ? '; without ALPN it answers' : ''}.`,
        probes: without ? ['main', 'noAlpn'] : ['main'],
      };
    },
  },
  {
    id: 'old_version',
    title: 'The server speaks nothing newer than TLS 1.1',
    side: 'server',
    told: 'certain where an old version led to a connection, or the server chose one',
    codes: ['protocol_version', 'peer_alert'],
    remedy:
      'bring the server to TLS 1.2 at the least: TLS 1.0 and 1.1 have been out of use since 2021 (RFC 8996); until then `handfast connect --legacy` speaks with it, insecurely',
    find: (evidence) => {
      const old = attemptOf(evidence, 'legacy');
      const failure = handshakeFailure(evidence);
      const version = old?.negotiated?.version ?? evidence.main.version;
      if (failure === undefined || version === undefined || !tooOld.includes(version)) return undefined;
      return {
        certainty: 'certain',
        says: `The server speaks ${version} at best, which no client of today takes.`,
        probes: old?.negotiated ? ['main', 'legacy'] : ['main'],
      };
    },
  },
  {
    id: 'insecure_renegotiation',
    title: 'The server does not know RFC 5746',
    side: 'server',
    told: 'certain: renegotiation_info is missing from its answer',
    codes: ['handshake_failure'],
    remedy: 'bring the server’s TLS library up to date: RFC 5746 is of 2010',
    find: refusing(
      ({ message }) => /renegotiation_info is missing/.test(message),
      () => ({
        certainty: 'certain',
        says: 'The server’s answer lacks renegotiation_info (RFC 5746): somebody in between could put a request of theirs before ours.',
      }),
    ),
  },
  {
    id: 'old_suites',
    title: 'The server has no suite that is still in use',
    side: 'server',
    told: 'certain: with suites that are out of use, TLS 1.2 stands',
    codes: ['peer_alert'],
    remedy:
      'allow ECDHE suites with AES-GCM or ChaCha20-Poly1305 in the server; until then `handfast connect --legacy` speaks with it',
    find: byProbe('legacy', (_, { negotiated }) => {
      if (negotiated === undefined) return undefined;
      const { version, cipherSuite } = negotiated;
      return {
        certainty: 'certain',
        says: `The server takes none of the suites of today; it chose ${cipherSuite.name} in ${version}: ${oldWays(cipherSuite.name)}.`,
      };
    }),
  },
];

function chosen({ negotiated }: Attempt): string {
  if (negotiated === undefined) return 'nothing';
  const { version, cipherSuite, group } = negotiated;
  return [version, cipherSuite.name, ...(group === undefined ? [] : [group.name])].join(', ');
}
