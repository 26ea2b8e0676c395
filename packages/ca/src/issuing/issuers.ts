/**
 * The issuers of an authority: those whose keys are here, checked once, and every CA above them, as the database knows them. One that
 * the default is no more, and that no profile names, is retired: it signs lists and OCSP answers until its last certificate has ended.
 *
 * @module
 */

import { type CryptoProvider, equalBytes, runSettling, type Signer, toHex } from '@handfast/crypto';
import { type Certificate, keyPurposeLabel, parseCertificate, trustStore, verifySignature } from '@handfast/x509';
import { type AuditEntry, appendAudit } from '../audit.ts';
import type { Issued } from '../authority.ts';
import { type CaContext, endOf, type SigningIssuer } from '../context.ts';
import type { Sql } from '../store/database.ts';
import { bytes, integer, optional, text } from '../store/rows.ts';
import { spkiHash } from './keys.ts';
import { quoted } from './policy.ts';
import { type Profile, responderProfileName } from './profiles.ts';

/** An issuer as whoever opens an authority has it. */
export interface IssuerOptions {
  /** The certificate that signs first, then up to, and with, the root. */
  readonly chain: readonly Certificate[];
  readonly signer: Signer;
  /**
   * Other chains of it, to other roots, which clients may be given besides: of the same key and name, as the rotation of a root
   * makes one with the new root's certificate by the old.
   */
  readonly alternateChains?: readonly (readonly Certificate[])[];
}

/** What an authority says of one. */
export interface IssuerRecord {
  /** Names its lists, and its OCSP responder. */
  readonly id: string;
  readonly certificate: Certificate;
  /** Whether it signs leaves, or stands above one that does. */
  readonly state: 'current' | 'retired';
  /** Whether its key is here. Otherwise its lists are imported. */
  readonly signs: boolean;
  /** When the last of the certificates that it has issued here ends: its lists are needed until then. */
  readonly lastEnd: Date | undefined;
}

/** SHA-256 of a CA certificate's SubjectPublicKeyInfo, hexadecimal: as in the URL of its CRL. */
export function issuerIdOf(provider: Pick<CryptoProvider, 'digest'>, { spki }: Certificate): string {
  return spkiHash(provider, spki);
}

/** The default first. @throws RangeError */
export async function checkedIssuers(
  provider: CryptoProvider,
  all: readonly IssuerOptions[],
  profiles: readonly Profile[],
): Promise<readonly SigningIssuer[]> {
  const issuers: SigningIssuer[] = [];
  for (const [index, options] of all.entries()) {
    const { chain, alternateChains = [], signer } = options;
    const certificate = await checkedIssuer(provider, chain, signer);
    const id = issuerIdOf(provider, certificate);
    if (issuers.some((other) => other.id === id)) throw new RangeError(`the issuer ${id} stands twice`);
    for (const alternate of alternateChains) await checkAlternate(provider, certificate, alternate);
    const named = profiles.some(({ issuer }) => issuer === id);
    // A name that one of the roots may not certify is good for whoever trusts the other.
    const trust = trustStore([chain, ...alternateChains].flatMap((one) => one.slice(-1)));
    issuers.push({ id, certificate, chain, alternateChains, trust, signer, retired: index > 0 && !named });
  }
  for (const { name, issuer } of profiles) {
    if (issuer === undefined || issuers.some(({ id }) => id === issuer)) continue;
    throw new RangeError(`the profile ${quoted(name)} names the issuer ${quoted(issuer)}, which is not here`);
  }
  return issuers;
}

/** The chain's signatures are verified once, here; its dates whenever something is signed. */
async function checkedIssuer(
  provider: CryptoProvider,
  chain: readonly Certificate[],
  signer: Signer,
): Promise<Certificate> {
  const [issuer] = chain;
  if (issuer === undefined) throw new RangeError('the issuer has no certificate');
  if (!equalBytes(issuer.spki, signer.publicKey.spki)) {
    throw new RangeError("the signer is not the key of the chain's first certificate");
  }
  await checkChain(provider, chain);
  return issuer;
}

/** A leaf under the one chain must be a leaf under the other. */
async function checkAlternate(provider: CryptoProvider, issuer: Certificate, chain: readonly Certificate[]) {
  const [first] = chain;
  const same =
    first !== undefined &&
    equalBytes(first.spki, issuer.spki) &&
    equalBytes(first.subject.raw, issuer.subject.raw) &&
    toHex(first.subjectKeyIdentifier ?? none) === toHex(issuer.subjectKeyIdentifier ?? none);
  if (!same)
    throw new RangeError('an alternate chain begins with another key, name or key identifier than the issuer has');
  await checkChain(provider, chain);
}

const none = new Uint8Array(0);

async function checkChain(provider: CryptoProvider, chain: readonly Certificate[]): Promise<void> {
  for (const [index, certificate] of chain.entries()) {
    const above = chain[index + 1] ?? certificate;
    const { signatureAlgorithm: algorithm, tbs, signature } = certificate;
    const verified =
      algorithm !== undefined &&
      (await runSettling(verifySignature(provider, above.publicKey, algorithm, tbs, signature)));
    if (verified) continue;
    const name = quoted(certificate.subject.toString());
    throw new RangeError(
      above === certificate
        ? `the chain ends with ${name}, which is no root: it has not signed itself`
        : `${name} is not signed by the next of the chain, ${quoted(above.subject.toString())}`,
    );
  }
}

/** A certificate that names a responder whom nobody reaches, or believes. @throws RangeError */
export function refuseUnanswered(
  issuers: readonly SigningIssuer[],
  profiles: readonly Profile[],
  baseUrl?: string,
): void {
  for (const profile of profiles) {
    if (profile.ocsp !== true) continue;
    const what = `the profile ${quoted(profile.name)} names an OCSP responder`;
    if (baseUrl === undefined) throw new RangeError(`${what}, and there is no base URL to reach it at`);
    const issuer = issuers.find(({ id }) => id === profile.issuer) ?? issuers[0];
    const purposes = issuer?.certificate.extendedKeyUsage?.map(keyPurposeLabel) ?? ['any'];
    if (purposes.includes('any') || purposes.includes('ocspSigning')) continue;
    throw new RangeError(`${what}, and the issuer is for ${purposes.join(', ')} alone, not for ocspSigning`);
  }
}

/** With the chains that verify now. */
export function issuedUnder({ chain, alternateChains }: SigningIssuer, certificate: Certificate, now: Date): Issued {
  const [main = [], ...alternates] = [chain, ...alternateChains.filter((other) => endOf(other) > now.getTime())].map(
    (above) => [certificate, ...above.slice(0, -1)],
  );
  return { certificate, chain: main, ...(alternates.length > 0 && { alternates }) };
}

/** Every CA certificate in every chain, once. */
export function authoritiesOf(issuers: readonly SigningIssuer[]): readonly Certificate[] {
  const all = issuers.flatMap(({ chain, alternateChains }) => [...chain, ...alternateChains.flat()]);
  return [...new Map(all.map((certificate) => [toHex(certificate.raw), certificate])).values()];
}

interface KnownIssuer {
  readonly id: string;
  readonly certificate: Certificate;
  readonly parent: string | undefined;
  readonly state: 'current' | 'retired';
}

/** Every CA in every chain, once: roots first, current ones before retired ones. */
function knownIssuers({ provider, issuers }: CaContext): readonly KnownIssuer[] {
  const found = new Map<string, KnownIssuer>();
  // The chain that leaves are handed out with has the word on what stands above a CA.
  const sorted = [...issuers.values()].toSorted((a, b) => Number(a.retired) - Number(b.retired));
  const chains = [
    ...sorted.map((issuer) => ({ ...issuer, certificates: issuer.chain })),
    ...sorted.flatMap((issuer) => issuer.alternateChains.map((certificates) => ({ ...issuer, certificates }))),
  ];
  for (const { certificates, retired } of chains) {
    let parent: string | undefined;
    for (const certificate of certificates.toReversed()) {
      const id = issuerIdOf(provider, certificate);
      if (!found.has(id)) found.set(id, { id, certificate, parent, state: retired ? 'retired' : 'current' });
      parent = id;
    }
  }
  return [...found.values()];
}

/** What the database knows of the issuers is made what they are, and told of in the log. */
export async function putDownIssuers(context: CaContext): Promise<void> {
  const { database, provider, clock } = context;
  const wanted = knownIssuers(context);
  if (await isPutDown(database, context, wanted)) return;
  await database.transaction(async (sql) => {
    const known = await storedIssuers(sql);
    const entries: AuditEntry[] = [];
    for (const { id, certificate, parent, state } of wanted) {
      const before = known.get(id);
      const same = before !== undefined && equalBytes(before.certificate, certificate.raw);
      if (same && before.state === state) continue;
      await sql.run(
        `INSERT INTO issuers (id, certificate, parent, state, crl_number, crl_shards, revocations)
         VALUES ($1, $2, $3, $4, 0, 0, 0)
         ON CONFLICT (id) DO UPDATE SET certificate = excluded.certificate, parent = excluded.parent, state = excluded.state`,
        [id, certificate.raw, parent ?? null, state],
      );
      const retired = state === 'retired' && same;
      entries.push({
        ...{ actor: 'authority', action: retired ? 'retire issuer' : 'issuer', subject: id, issuerId: id },
        ...(!retired && {
          digest: toHex(provider.digest('sha256', certificate.raw)),
          note: certificate.subject.toString(),
        }),
      });
    }
    for (const [id, { state }] of known) {
      if (state === 'retired' || wanted.some((one) => one.id === id)) continue;
      await sql.run(`UPDATE issuers SET state = 'retired' WHERE id = $1`, [id]);
      entries.push({ actor: 'authority', action: 'retire issuer', subject: id, issuerId: id });
    }
    await putDownLists(sql, context);
    await appendAudit(sql, clock(), ...entries);
  });
}

/** How many lists there are, and under which URLs leaves have named them: both only grow, for the leaves that are out there. */
async function putDownLists(sql: Sql, { issuers, crlShards, baseUrl }: CaContext): Promise<void> {
  if (baseUrl === undefined) return;
  for (const id of issuers.keys()) {
    await sql.run('UPDATE issuers SET crl_shards = $2 WHERE id = $1 AND crl_shards < $2', [id, crlShards]);
    await sql.run('INSERT INTO issuer_urls (issuer_id, base_url) VALUES ($1, $2) ON CONFLICT DO NOTHING', [
      id,
      baseUrl,
    ]);
  }
}

/** As it nearly always is: so that nobody waits for a lock. */
async function isPutDown(sql: Sql, { issuers, crlShards, baseUrl }: CaContext, wanted: readonly KnownIssuer[]) {
  const known = await storedIssuers(sql);
  const current = [...known.values()].filter(({ state }) => state === 'current').length;
  const same = wanted.every(({ id, certificate, state }) => {
    const before = known.get(id);
    if (before === undefined || before.state !== state || !equalBytes(before.certificate, certificate.raw))
      return false;
    return baseUrl === undefined || !issuers.has(id) || before.shards >= crlShards;
  });
  if (!same || current !== wanted.filter(({ state }) => state === 'current').length) return false;
  if (baseUrl === undefined) return true;
  const urls = await sql.all('SELECT issuer_id FROM issuer_urls WHERE base_url = $1', [baseUrl]);
  return [...issuers.keys()].every((id) => urls.some((row) => row.issuer_id === id));
}

async function storedIssuers(sql: Sql) {
  const rows = await sql.all('SELECT id, certificate, state, crl_shards FROM issuers');
  return new Map(
    rows.map((row) => [
      text(row, 'id'),
      { certificate: bytes(row, 'certificate'), state: text(row, 'state'), shards: integer(row, 'crl_shards') },
    ]),
  );
}

/** The current ones first. */
export async function listIssuers({ database, issuers }: CaContext): Promise<readonly IssuerRecord[]> {
  const rows = await database.all(
    `SELECT id, certificate, state, (${lastEndOf('issuers.id')}) AS last_end FROM issuers ORDER BY state, id`,
  );
  return rows.map((row) => {
    const lastEnd = optional(row, 'last_end', integer);
    return {
      id: text(row, 'id'),
      certificate: parseCertificate(bytes(row, 'certificate')),
      state: text(row, 'state') === 'current' ? 'current' : 'retired',
      signs: issuers.has(text(row, 'id')),
      lastEnd: lastEnd === undefined ? undefined : new Date(lastEnd),
    };
  });
}

/**
 * SQL: when the last certificate of an issuer ends. Its own OCSP responders, which it certifies for as long as anybody may ask, do not
 * count; what was begun does, since it may have been signed.
 */
export function lastEndOf(issuer: string): string {
  return `SELECT c.not_after FROM certificates c WHERE c.issuer_id = ${issuer} AND c.profile <> '${responderProfileName}'
    ORDER BY c.not_after DESC LIMIT 1`;
}
