/**
 * Revocation by clients (RFC 8555 §7.6): by the account that ordered the certificate, by an account that has proven all of its
 * names, or by the certificate's own key.
 *
 * @module
 */

import { equalBytes } from '@handfast/crypto';
import { type Certificate, CertificateError, formatIp, parseCertificate, type RevocationReason } from '@handfast/x509';
import { CaError } from '../errors.ts';
import type { Account } from './accounts.ts';
import { fromBase64url, jsonMembers, stringMember } from './encoding.ts';
import { malformed, Problem } from './problems.ts';
import type { After, Answer, Call } from './requests.ts';
import type { Service } from './settings.ts';

/** What a client may give (RFC 5280 §5.3.1): what concerns CAs, holds and privileges is not its to say. */
const reasons: ReadonlyMap<unknown, RevocationReason> = new Map<unknown, RevocationReason>([
  [undefined, 'unspecified'],
  [0, 'unspecified'],
  [1, 'keyCompromise'],
  [3, 'affiliationChanged'],
  [4, 'superseded'],
  [5, 'cessationOfOperation'],
]);

export async function revokeCert(call: Call): Promise<After> {
  const payload = jsonMembers(call.jws.payload, 'the payload');
  const certificate = certificateOf(stringMember(payload, 'certificate'));
  const reason = reasons.get(payload.get('reason'));
  // The authority has transactions of its own.
  return { after: async () => await revoke(call, certificate, reason) };
}

async function revoke(call: Call, certificate: Certificate, reason: RevocationReason | undefined): Promise<Answer> {
  const { authority } = call.service;
  const serial = certificate.serialNumberHex;
  const record = await authority.find(serial);
  if (record === undefined || !equalBytes(record.der, certificate.raw)) {
    throw malformed('this CA has not issued the certificate', 404);
  }
  const right = await rightOf(call, certificate);
  if (right === undefined) throw new Problem('unauthorized');
  // That the key is lost its holder may say later, too: it blocks the key, whatever the certificate was revoked for.
  const amends = right === 'key' && reason === 'keyCompromise' && record.reason !== 'keyCompromise';
  if (record.status === 'revoked' && !amends) throw new Problem('alreadyRevoked');
  if (reason === undefined) throw new Problem('badRevocationReason');
  if (right === 'names' && reason === 'keyCompromise') {
    // It would end all other certificates with that key, whosever they are.
    const detail = 'that a key is lost is told with the key itself, or by the account that ordered the certificate';
    throw new Problem('badRevocationReason', { detail });
  }
  try {
    const { account } = call;
    const by = account === undefined ? "acme, with the certificate's key" : `acme account ${account.id}`;
    await authority.revoke({ serial, reason, by });
  } catch (error) {
    if (error instanceof CaError && error.code === 'already_done')
      throw new Problem('alreadyRevoked', { cause: error });
    throw error;
  }
  return { status: 200, event: { event: 'revoked', serial, reason } };
}

/** By what somebody may revoke: the certificate's key, the order that it came by, or proofs of all of its names. */
type Right = 'key' | 'order' | 'names';

async function rightOf(call: Call, certificate: Certificate): Promise<Right | undefined> {
  const { service, account, key } = call;
  if (account === undefined) return equalBytes(key.spki, certificate.spki) ? 'key' : undefined;
  const { database } = service;
  const ordered = 'SELECT id FROM acme_orders WHERE serial = $1 AND account_id = $2';
  if ((await database.all(ordered, [certificate.serialNumberHex, account.id])).length > 0) return 'order';
  return (await hasProven(service, account, certificate)) ? 'names' : undefined;
}

async function hasProven({ database, now }: Service, account: Account, certificate: Certificate): Promise<boolean> {
  const names = certificate.subjectAltName?.names ?? [];
  for (const name of names) {
    const value = name.kind === 'dns' ? name.text.toLowerCase() : name.kind === 'ip' ? formatIp(name.bytes) : undefined;
    if (value === undefined) return false;
    const wildcard = value.startsWith('*.');
    const proven = await database.all(
      `SELECT id FROM acme_authorizations WHERE account_id = $1 AND identifier_value = $2 AND identifier_type = $3
         AND wildcard = $4 AND status = 'valid' AND expires_at > $5 LIMIT 1`,
      [account.id, wildcard ? value.slice(2) : value, name.kind, wildcard ? 1 : 0, now()],
    );
    if (proven.length === 0) return false;
  }
  return names.length > 0;
}

function certificateOf(encoded: string | undefined): Certificate {
  const der = fromBase64url(encoded ?? '');
  try {
    if (der !== undefined && der.length > 0) return parseCertificate(der);
  } catch (error) {
    if (!(error instanceof CertificateError)) throw error;
  }
  throw malformed('"certificate" is the base64url of a certificate');
}
