/**
 * Causes in what certificates are: their bytes, strength, purpose, and whether they were taken back. Several may hold at
 * once, and all are told: mending one alone would not help.
 *
 * @module
 */

import type { Cause } from './cause.ts';
import { called, plainly, refusalBy, sentence } from './path-rules.ts';
import { wordsOf } from './words.ts';

export const formCauses: readonly Cause[] = [
  {
    id: 'malformed_certificate',
    ...wordsOf('malformed'),
    told: 'certain: its bytes break the rules of DER or of RFC 5280',
    codes: ['certificate_malformed', 'decode_error'],
    rules: ['malformed'],
    find: (evidence) => {
      const [first] = evidence.chain?.malformed ?? [];
      const error = refusalBy(evidence, ['malformed']);
      const message = first?.message ?? error?.message;
      if (message !== undefined) {
        const which =
          first === undefined || first.index === 0
            ? 'A certificate that the server sends'
            : `Certificate ${first.index + 1} that the server sends`;
        return { certainty: 'certain', says: `${which} does not decode: ${message}.` };
      }
      return undefined;
    },
  },
  {
    id: 'revoked',
    ...wordsOf('revoked'),
    told: 'certain: its issuer’s signed list or answer says so',
    codes: ['certificate_revoked'],
    rules: ['revoked'],
    find: ({ chain }) =>
      chain?.revocationRefusal?.code === 'revoked'
        ? { certainty: 'certain', says: sentence(chain.revocationRefusal.message) }
        : undefined,
  },
  {
    id: 'staple_missing',
    title: 'The certificate demands a stapled OCSP response, and there is none',
    side: 'server',
    told: 'certain: the certificate has the TLS feature status_request (RFC 7633), and the server staples nothing that is good',
    codes: ['bad_certificate_status_response'],
    rules: ['bad_status_response'],
    remedy:
      'switch OCSP stapling on in the server (nginx: ssl_stapling on; Apache: SSLUseStapling on), or have the certificate issued without must-staple',
    find: ({ chain }) =>
      chain?.revocationRefusal !== undefined && chain.revocationRefusal.code !== 'revoked' && chain.demandsStaple
        ? { certainty: 'certain', says: sentence(chain.revocationRefusal.message) }
        : undefined,
  },
  {
    id: 'staple_bad',
    title: 'The stapled OCSP response is no good',
    side: 'server',
    told: 'certain: it does not verify for this certificate and time',
    codes: ['bad_certificate_status_response', 'certificate_status_unknown'],
    rules: ['bad_status_response', 'revocation_unknown'],
    remedy: 'have the server fetch a fresh one; look at its clock and whether it reaches its CA’s responder',
    find: ({ chain }) =>
      chain?.revocationRefusal !== undefined && chain.revocationRefusal.code !== 'revoked' && !chain.demandsStaple
        ? { certainty: 'certain', says: sentence(chain.revocationRefusal.message) }
        : undefined,
  },
  {
    id: 'weak_key',
    ...wordsOf('weak_key'),
    told: 'certain: its bits were counted',
    codes: ['certificate_refused', 'certificate_unsupported'],
    ...plainly(['weak_key']),
  },
  {
    id: 'weak_signature',
    ...wordsOf('weak_signature'),
    told: 'certain: the algorithm stands in the certificate',
    codes: ['certificate_refused', 'certificate_unsupported'],
    ...plainly(['weak_signature']),
  },
  {
    id: 'bad_signature',
    ...wordsOf('bad_signature'),
    told: 'certain: it is not by the key of the issuer that was found; either it was changed, or an intermediate of the same name with another key was sent',
    codes: ['certificate_bad_signature'],
    ...plainly(['bad_signature']),
  },
  {
    id: 'unsupported_algorithm',
    ...wordsOf('unsupported_algorithm'),
    told: 'certain: its algorithm or kind of key is none of ours',
    codes: ['certificate_unsupported'],
    ...plainly(['unsupported_algorithm', 'unsupported_key']),
  },
  {
    id: 'wrong_purpose',
    title: 'The certificate is not for servers',
    side: 'server',
    told: 'certain: its extended key usage leaves out serverAuth',
    codes: ['certificate_refused'],
    remedy:
      'have one issued for servers (extended key usage serverAuth): a client’s, a mailbox’s or a code signer’s does not do',
    ...plainly(['extended_key_usage']),
  },
  {
    id: 'key_usage',
    ...wordsOf('key_usage'),
    told: 'certain: its KeyUsage leaves out what is needed',
    codes: ['certificate_refused'],
    ...plainly(['key_usage']),
  },
  {
    id: 'name_constraints',
    ...wordsOf('name_constraints'),
    told: 'certain: a CA above has name constraints that leave the name out',
    codes: ['certificate_refused'],
    ...plainly(['name_constraints']),
  },
  {
    id: 'path_length',
    ...wordsOf('path_length'),
    told: 'certain: its pathLenConstraint counts them',
    codes: ['certificate_refused'],
    ...plainly(['path_length']),
  },
  {
    id: 'issuer_no_ca',
    ...wordsOf('not_a_ca'),
    told: 'certain: the issuer’s basicConstraints do not say that it is one',
    codes: ['certificate_refused'],
    ...plainly(['not_a_ca']),
  },
  {
    id: 'critical_extension',
    ...wordsOf('critical_extension'),
    told: 'certain: it is marked critical, and no client of TLS processes it',
    codes: ['certificate_unsupported'],
    ...plainly(['critical_extension']),
  },
  {
    id: 'path_refused',
    title: 'Another rule refuses the path',
    side: 'server',
    told: 'certain: the rule names itself',
    codes: ['certificate_refused'],
    remedy: '`handfast cert verify` shows every path that was tried, and why it fell',
    ...plainly(['certificate_policies', 'profile', 'budget', 'certificate_transparency', 'revocation_unknown']),
  },
  {
    id: 'ca_as_server',
    title: 'A CA’s certificate is used as the server’s own',
    side: 'server',
    told: 'certain: its basicConstraints say that it is a CA; Firefox refuses it so',
    codes: ['certificate_refused'],
    remedy: 'issue a certificate for the server from that CA, and take the CA’s key off the server',
    find: ({ chain }) => {
      const [leaf] = chain?.sent ?? [];
      if (leaf === undefined || chain?.malformed.length !== 0 || leaf.basicConstraints?.ca !== true) return undefined;
      return {
        certainty: 'certain',
        says: `The server’s own certificate ${called(leaf)} is a CA’s: who takes the server’s key can issue certificates for anybody that trusts it, and some clients refuse it (Firefox: MOZILLA_PKIX_ERROR_CA_CERT_USED_AS_END_ENTITY).`,
      };
    },
  },
];
