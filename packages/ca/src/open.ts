/**
 * Opens a certificate authority over its database.
 *
 * @module
 */

import { type CryptoProvider, equalBytes, type PublicKeyInfo, runSettling, type Signer, toHex } from '@handfast/crypto';
import { type Certificate, keyPurposeLabel, trustStore, verifySignature } from '@handfast/x509';
import { appendAudit } from './audit.ts';
import type { Authority } from './authority.ts';
import type { CaContext } from './context.ts';
import { CaError } from './errors.ts';
import { issue, tellAllUnfinished } from './issuing/issue.ts';
import { checkKey, refuseBlocked, spkiHash } from './issuing/keys.ts';
import { compilePolicy, type NamePolicy, quoted } from './issuing/policy.ts';
import { defaultProfiles, type Profile } from './issuing/profiles.ts';
import { profileOf } from './issuing/request.ts';
import { answerOcsp, type OcspReply } from './ocsp/answers.ts';
import { ResponderKeeper } from './ocsp/responder.ts';
import { currentCrl, importCrl } from './revocation/crl.ts';
import { blockKey, revoke } from './revocation/revoke.ts';
import { findByOrigin, findCertificate, listCertificates } from './store/certificates.ts';
import type { Database } from './store/database.ts';
import { bytes, text } from './store/rows.ts';
import { coreSchema, migrate } from './store/schema.ts';

export interface AuthorityOptions {
  /** Closed with the authority. */
  readonly database: Database;
  readonly provider: CryptoProvider;
  readonly issuer: {
    /** The certificate that signs leaves first, then up to, and with, the root. */
    readonly chain: readonly Certificate[];
    readonly signer: Signer;
  };
  /** Unless set: `server` and `client`. The first is used where a request names none. */
  readonly profiles?: readonly Profile[];
  /** What may be certified: nothing, unless it says so. */
  readonly policy: NamePolicy;
  /** Where the CA is reached by http, without a slash at its end: leaves then name their CRL, at `/crl/<issuer>.crl` below it; and where their profile says so the OCSP responder, at `/ocsp/<issuer>`. */
  readonly baseUrl?: string;
  readonly clock?: () => Date;
  /** How long before now a certificate, and a CRL, begins: for clocks that are slow. 5 minutes unless set. */
  readonly backdateMs?: number;
  /** How far the clock may be behind the newest certificate. 10 minutes unless set. */
  readonly clockSkewMs?: number;
  /** From a CRL to the next, where nothing is revoked in between: a day unless set. */
  readonly crlIntervalMs?: number;
  /** How long a CRL is good: 7 days unless set. */
  readonly crlLifetimeMs?: number;
  /** How long an OCSP answer is good: a day unless set. At half that a new one is signed. */
  readonly ocspLifetimeMs?: number;
}

export interface OpenAuthority extends Authority {
  /** Of the issuer that signs leaves: names its CRL. */
  readonly issuerId: string;
  readonly profiles: readonly Profile[];
  /** Why a name (DNS, wildcard or address) cannot be certified, in words; `undefined` where it can, as far as names go. */
  nameRefusal(name: string): string | undefined;
  /** @throws CaError `bad_key`: too weak, of a kind that the profile does not take, known to be lost, or a CA's own */
  checkKey(key: PublicKeyInfo, profile?: string): Promise<void>;
  /** Blocks a key for ever, and revokes every certificate with it, as after a `revoke` for `keyCompromise`. */
  blockKey(request: { readonly key: PublicKeyInfo; readonly by: string }): Promise<number>;
  /** Takes a list of an issuer whose key is elsewhere, as an offline root's. @throws CaError `bad_request` */
  importCrl(request: { readonly crl: Uint8Array; readonly by: string }): Promise<void>;
  /**
   * Answers an OCSP request, DER: about what this issuer has issued, and nothing else is ever called good.
   *
   * @throws CaError `not_found` for an issuer that does not sign now; `cannot_sign`; `not_allowed` where its certificate is not for
   * OCSP signing
   */
  ocsp(issuerId: string, request: Uint8Array): Promise<OcspReply>;
  /** Serial numbers of certificates that were begun and never finished. They may or may not have been signed; none was handed out. */
  unfinished(): Promise<readonly string[]>;
}

const minute = 60_000;
const day = 86_400_000;

/**
 * Opens an authority: its tables are brought to the newest form, and what an earlier process left unfinished is told of in the audit
 * log.
 *
 * @throws RangeError for a chain that is none, a signer of another key, a policy that is none; what the database throws
 */
export async function openAuthority(options: AuthorityOptions): Promise<OpenAuthority> {
  const context = await contextOf(options);
  await migrate(context.database, [coreSchema], context.clock);
  await putDownIssuers(context);
  await tellAllUnfinished(context);
  return authorityOf(context);
}

async function contextOf(options: AuthorityOptions): Promise<CaContext> {
  const { database, provider, baseUrl, profiles = defaultProfiles } = options;
  const { chain, signer } = options.issuer;
  const issuer = await checkedIssuer(provider, chain, signer);
  const issuerId = issuerIdOf(provider, issuer);
  if (profiles.length === 0) throw new RangeError('a CA without a profile');
  // A CRL is fetched before there is a TLS connection to trust (RFC 5280 §8).
  if (baseUrl !== undefined && !/^http:\/\/[^/?#]+(\/[^?#]*[^/?#])?$/.test(baseUrl)) {
    throw new RangeError(`CRLs are fetched by plain http, from a URL without a slash at its end: ${quoted(baseUrl)}`);
  }
  refuseUnanswered(issuer, profiles, baseUrl);
  return {
    database,
    provider,
    chain,
    issuer,
    trust: trustStore(chain.slice(-1)),
    issuerId,
    signer,
    profiles,
    policy: compilePolicy(options.policy),
    crlUrl: baseUrl === undefined ? undefined : `${baseUrl}/crl/${issuerId}.crl`,
    ocspUrl: baseUrl === undefined ? undefined : `${baseUrl}/ocsp/${issuerId}`,
    clock: options.clock ?? (() => new Date()),
    backdateMs: options.backdateMs ?? 5 * minute,
    clockSkewMs: options.clockSkewMs ?? 10 * minute,
    crlIntervalMs: options.crlIntervalMs ?? day,
    crlLifetimeMs: options.crlLifetimeMs ?? 7 * day,
    ocspLifetimeMs: options.ocspLifetimeMs ?? day,
  };
}

/** A certificate that names a responder whom nobody reaches, or believes. */
function refuseUnanswered(issuer: Certificate, profiles: readonly Profile[], baseUrl: string | undefined): void {
  const profile = profiles.find(({ ocsp }) => ocsp === true);
  if (profile === undefined) return;
  const what = `the profile ${quoted(profile.name)} names an OCSP responder`;
  if (baseUrl === undefined) throw new RangeError(`${what}, and there is no base URL to reach it at`);
  const purposes = issuer.extendedKeyUsage?.map(keyPurposeLabel) ?? ['any'];
  if (purposes.includes('any') || purposes.includes('ocspSigning')) return;
  throw new RangeError(`${what}, and the issuer is for ${purposes.join(', ')} alone, not for ocspSigning`);
}

/** SHA-256 of a CA certificate's SubjectPublicKeyInfo, hexadecimal: as in the URL of its CRL. */
export function issuerIdOf(provider: Pick<CryptoProvider, 'digest'>, { spki }: Certificate): string {
  return spkiHash(provider, spki);
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
  for (const [index, certificate] of chain.entries()) {
    const above = chain[index + 1] ?? certificate;
    const { signatureAlgorithm: algorithm, tbs, signature } = certificate;
    const verified =
      algorithm !== undefined &&
      (await runSettling(verifySignature(provider, above.publicKey, algorithm, tbs, signature)));
    if (!verified) {
      const name = quoted(certificate.subject.toString());
      throw new RangeError(
        above === certificate
          ? `the chain ends with ${name}, which is no root: it has not signed itself`
          : `${name} is not signed by the next of the chain, ${quoted(above.subject.toString())}`,
      );
    }
  }
  return issuer;
}

async function putDownIssuers({ database, provider, chain, clock }: CaContext): Promise<void> {
  const rootFirst = chain.toReversed().map((certificate) => ({ id: issuerIdOf(provider, certificate), certificate }));
  const known = await database.all(`SELECT id, certificate FROM issuers WHERE state = 'current'`);
  const certificates = new Map(known.map((row) => [text(row, 'id'), bytes(row, 'certificate')]));
  const unchanged = rootFirst.every(({ id, certificate }) => {
    const before = certificates.get(id);
    return before !== undefined && equalBytes(before, certificate.raw);
  });
  if (unchanged && known.length === rootFirst.length) return;
  await database.transaction(async (sql) => {
    const now = clock();
    for (const [index, { id, certificate }] of rootFirst.entries()) {
      const before = certificates.get(id);
      if (before !== undefined && equalBytes(before, certificate.raw)) continue;
      await sql.run(
        `INSERT INTO issuers (id, certificate, parent, state, crl_number, revocations) VALUES ($1, $2, $3, 'current', 0, 0)
         ON CONFLICT (id) DO UPDATE SET certificate = excluded.certificate, parent = excluded.parent, state = 'current'`,
        [id, certificate.raw, rootFirst[index - 1]?.id ?? null],
      );
      const digest = toHex(provider.digest('sha256', certificate.raw));
      const note = certificate.subject.toString();
      await appendAudit(sql, now, { actor: 'authority', action: 'issuer', subject: id, issuerId: id, digest, note });
    }
    for (const id of certificates.keys()) {
      if (rootFirst.some((current) => current.id === id)) continue;
      await sql.run(`UPDATE issuers SET state = 'retired' WHERE id = $1`, [id]);
      await appendAudit(sql, now, { actor: 'authority', action: 'retire issuer', subject: id, issuerId: id });
    }
  });
}

function authorityOf(context: CaContext): OpenAuthority {
  const { database, chain, issuerId, profiles, provider, clock } = context;
  const responder = new ResponderKeeper(context);
  return {
    chain,
    issuerId,
    profiles,
    issue: (request) => issue(context, request),
    revoke: (request) => revoke(context, request),
    find: (serial) => findCertificate(database, serial, clock()),
    findByOrigin: (origin) => findByOrigin(database, origin),
    list: (filter = {}) => listCertificates(database, filter, clock()),
    crl: (id) => currentCrl(context, id),
    close: () => database.close(),
    nameRefusal(name) {
      const checked = context.policy.check(name);
      return 'code' in checked ? checked.message : undefined;
    },
    async checkKey(key, profile) {
      checkKey(key, profileOf(context, profile), chain);
      await refuseBlocked(database, spkiHash(provider, key.spki));
    },
    blockKey: (request) => blockKey(context, request),
    async ocsp(id, request) {
      if (id !== issuerId) throw new CaError('not_found', `there is no OCSP responder of the issuer ${quoted(id)}`);
      return await answerOcsp(context, responder, request);
    },
    importCrl: (request) => importCrl(context, request),
    async unfinished() {
      const rows = await database.all(`SELECT serial FROM certificates WHERE state <> 'issued' ORDER BY serial`);
      return rows.map((row) => text(row, 'serial'));
    },
  };
}
