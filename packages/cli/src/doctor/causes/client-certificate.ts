/**
 * Causes about our own certificate: the server wants one, or refuses the one it got.
 *
 * @module
 */

import type { Evidence, Failure } from '../evidence.ts';
import type { Cause, Found } from './cause.ts';

/** What servers end with that wanted a certificate, before and in TLS 1.3. */
const wantingAlerts: readonly string[] = ['certificate_required', 'handshake_failure', 'bad_certificate', 'unknown_ca'];

/** nginx (400, 496), Apache (403) and others let the handshake pass and say it in HTTP. */
const wantingStatus: readonly number[] = [400, 401, 403, 496];

function refusal({ main }: Evidence): Failure | undefined {
  return main.asksForCertificate ? main.failure : undefined;
}

function refusedFor(
  alerts: readonly string[],
  says: string,
  remedy: string,
): (evidence: Evidence) => Found | undefined {
  return (evidence) => {
    const failure = refusal(evidence);
    if (failure?.origin !== 'peer' || !evidence.main.sentCertificate || !alerts.includes(failure.alert ?? ''))
      return undefined;
    return { certainty: 'certain', says: `${says} (alert ${failure.alert}).`, remedy };
  };
}

const seeOwn = '`handfast cert show FILE` shows what is in ours';

export const clientCertificateCauses: readonly Cause[] = [
  {
    id: 'client_certificate_demanded',
    title: 'The server demands a client certificate',
    side: 'client',
    told: 'certain: it asked for one, got none, and refused by certificate_required; likely by another alert, by closing, or by an HTTP status',
    codes: ['peer_alert', 'certificate_required', 'truncated'],
    remedy: 'give one that the server’s operator has issued or trusts: --cert FILE --key FILE',
    find: ({ main }) => {
      if (!main.asksForCertificate || main.sentCertificate) return undefined;
      const { failure, answer } = main;
      const status = answer?.status;
      if (failure?.origin === 'peer' && wantingAlerts.includes(failure.alert ?? '')) {
        return {
          certainty: failure.alert === 'certificate_required' ? 'certain' : 'likely',
          says: `The server asks for a client certificate; we have sent none, and it refused by the alert ${failure.alert}.`,
        };
      }
      if (
        failure !== undefined &&
        failure.origin === 'local' &&
        (failure.step === 'finished' || failure.step === 'connected')
      ) {
        return {
          certainty: 'likely',
          says: 'The server asks for a client certificate; we have sent none, and it ended the connection.',
        };
      }
      if (answer?.end === 'truncated' && answer.start === '') {
        return {
          certainty: 'likely',
          says: 'The server asks for a client certificate; we have sent none, and it ended the connection.',
        };
      }
      if (status !== undefined && wantingStatus.includes(status)) {
        return {
          certainty: 'likely',
          says: `The server asks for a client certificate; we have sent none, and it answers HTTP status ${status}.`,
        };
      }
      return undefined;
    },
  },
  {
    id: 'client_certificate_expired',
    title: 'Our client certificate has expired',
    side: 'client',
    told: 'certain: the alert certificate_expired says so, by the server’s clock',
    codes: ['peer_alert'],
    remedy: 'renew it; where it is valid, look at the server’s clock',
    find: refusedFor(
      ['certificate_expired'],
      'The server finds our client certificate expired, or not yet valid',
      `renew it; where it is valid, look at the server’s clock; ${seeOwn}`,
    ),
  },
  {
    id: 'client_certificate_revoked',
    title: 'Our client certificate was revoked',
    side: 'client',
    told: 'certain: the alert certificate_revoked says so',
    codes: ['peer_alert'],
    remedy: 'have another one issued',
    find: refusedFor(
      ['certificate_revoked'],
      'The server says that our client certificate was revoked',
      'have another one issued',
    ),
  },
  {
    id: 'client_certificate_untrusted',
    title: 'The server does not trust who issued our client certificate',
    side: 'client',
    told: 'certain: the alert unknown_ca says so',
    codes: ['peer_alert'],
    remedy:
      'send one by a CA that the server trusts, with its intermediates in the file of --cert; or have the server trust this CA',
    find: refusedFor(
      ['unknown_ca'],
      'The server does not know the CA of our client certificate',
      `send one by a CA that the server trusts, with its intermediates in the file of --cert; or have the server trust this CA; ${seeOwn}`,
    ),
  },
  {
    id: 'client_certificate_refused',
    title: 'The server refuses our client certificate',
    side: 'client',
    told: 'certain that it does; why, its log says',
    codes: ['peer_alert'],
    remedy:
      'ask who runs the server whom it lets in; the certificate must be for clients (extended key usage clientAuth)',
    find: refusedFor(
      [
        'bad_certificate',
        'unsupported_certificate',
        'certificate_unknown',
        'access_denied',
        'decrypt_error',
        'handshake_failure',
      ],
      'The server refuses our client certificate, for a reason of its own',
      `ask who runs the server whom it lets in; the certificate must be for clients (extended key usage clientAuth); ${seeOwn}`,
    ),
  },
];
