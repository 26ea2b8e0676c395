/**
 * Causes in what the server sent, which we refused.
 *
 * @module
 */

import type { TlsErrorCode } from '@handfast/tls';
import type { Cause } from './cause.ts';
import { ending, handshakeFailure, refusing } from './handshake.ts';

/** What only a peer that breaks the protocol brings about. */
const violations: readonly TlsErrorCode[] = [
  'unexpected_message',
  'illegal_parameter',
  'decode_error',
  'missing_extension',
  'unsupported_extension',
  'record_overflow',
  'message_too_large',
  'too_many_records',
  'too_many_alerts',
  'too_many_key_updates',
  'protocol_version',
  'handshake_failure',
];

export const refusalCauses: readonly Cause[] = [
  {
    id: 'downgraded',
    title: 'The version was lowered on the way',
    side: 'network',
    told: 'likely: the server’s random says that it could have had a newer version (RFC 9846 §4.2.3); a broken server may say so as well',
    codes: ['illegal_parameter'],
    remedy: 'try from another network; where it is the same there, the server’s TLS library is at fault',
    find: refusing(
      ({ message }) => /made to choose/.test(message),
      ({ message }) => ({
        certainty: 'likely',
        says: `Something in between changes hellos so that an older version is chosen: ${message}.`,
      }),
    ),
  },
  {
    id: 'wrong_key',
    title: 'The server does not hold the key of its certificate',
    side: 'server',
    told: 'certain: the signature of its handshake is not by the certificate’s key',
    codes: ['decrypt_error'],
    remedy:
      'give the server the private key that goes with the certificate: `handfast cert match CERT KEY` compares them',
    find: refusing(
      ({ code, message }) => code === 'decrypt_error' && /signature/.test(message),
      () => ({
        certainty: 'certain',
        says: 'The server’s signature of the handshake is not by the key in its certificate: certificate and private key are not a pair, or somebody else shows the certificate.',
      }),
    ),
  },
  {
    id: 'corrupted',
    title: 'Bytes are changed on the way',
    side: 'network',
    told: 'likely: a record does not authenticate, or the Finished messages differ; a server whose cryptography is broken looks the same',
    codes: ['bad_record_mac', 'decrypt_error'],
    remedy:
      'try from another network and without proxies, accelerators or virus scanners in between; if it stays, the server’s TLS library is at fault',
    find: (evidence) => {
      const failure = handshakeFailure(evidence);
      const ours = failure?.origin === 'local' && ['bad_record_mac', 'decrypt_error'].includes(failure.code);
      const theirs =
        failure?.origin === 'peer' && (failure.alert === 'bad_record_mac' || failure.alert === 'decrypt_error');
      if (failure === undefined || (!ours && !theirs)) return undefined;
      return {
        certainty: theirs ? 'possible' : 'likely',
        says: `The two sides do not see the same handshake (${theirs ? ending(failure) : failure.message}): something in between changes bytes, or one side’s cryptography is broken.`,
      };
    },
  },
  {
    id: 'too_many_certificates',
    title: 'The server sends too many certificates',
    side: 'server',
    told: 'certain: they were counted',
    codes: ['message_too_large'],
    remedy:
      'configure the server’s own certificate and its intermediates alone: two or three, not a whole bundle of roots',
    find: refusing(
      ({ code, message }) => code === 'message_too_large' && /chain of|Certificate announces/.test(message),
      ({ message }) => ({
        certainty: 'certain',
        says: `The server’s Certificate message is beyond reason: ${message}.`,
      }),
    ),
  },
  {
    id: 'protocol_violation',
    title: 'The server breaks the protocol',
    side: 'server',
    told: 'certain that the bytes which came are against the RFC; who wrote them is likely the server',
    codes: violations,
    remedy: 'bring the server’s TLS library up to date; `handfast connect --trace` shows the message',
    find: refusing(
      ({ code }) => violations.some((one) => one === code),
      ({ message }) => ({ certainty: 'likely', says: `The server sent what TLS does not allow: ${message}.` }),
    ),
  },
];
