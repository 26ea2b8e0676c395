/**
 * Opens a certificate authority over its database.
 *
 * @module
 */

import type { CryptoProvider, PublicKeyInfo } from '@handfast/crypto';
import type { Certificate } from '@handfast/x509';
import type { Authority } from './authority.ts';
import type { CaContext, SigningIssuer } from './context.ts';
import { CaError } from './errors.ts';
import { issue, tellAllUnfinished } from './issuing/issue.ts';
import {
  authoritiesOf,
  checkedIssuers,
  type IssuerOptions,
  type IssuerRecord,
  listIssuers,
  putDownIssuers,
  refuseUnanswered,
} from './issuing/issuers.ts';
import { checkKey, refuseBlocked, spkiHash } from './issuing/keys.ts';
import { compilePolicy, type NamePolicy, quoted } from './issuing/policy.ts';
import { defaultProfiles, type Profile } from './issuing/profiles.ts';
import { type CheckedRequest, checkedRequest, type KeylessRequest, profileOf } from './issuing/request.ts';
import { type Answering, answerOcsp, type OcspReply } from './ocsp/answers.ts';
import { presignOcsp } from './ocsp/presign.ts';
import { ResponderKeeper } from './ocsp/responder.ts';
import { ListKeeper } from './revocation/crl.ts';
import { importCrl } from './revocation/import.ts';
import { blockKey, revoke } from './revocation/revoke.ts';
import { findByOrigin, findCertificate, listCertificates } from './store/certificates.ts';
import type { Database } from './store/database.ts';
import { forgetCertificates } from './store/retention.ts';
import { text } from './store/rows.ts';
import { coreSchema, migrate } from './store/schema.ts';

export interface AuthorityOptions {
  /** Closed with the authority. */
  readonly database: Database;
  readonly provider: CryptoProvider;
  /** Signs what no profile says otherwise of. */
  readonly issuer: IssuerOptions;
  /**
   * Those that profiles name; and, retired, those that signed before: they go on to sign lists and OCSP answers until the last of their
   * certificates has ended.
   */
  readonly otherIssuers?: readonly IssuerOptions[];
  /** Unless set: `server` and `client`. The first is used where a request names none. */
  readonly profiles?: readonly Profile[];
  /** What may be certified: nothing, unless it says so. */
  readonly policy: NamePolicy;
  /** Where the CA is reached by http, without a slash at its end: leaves then name their CRL, at `/crl/<issuer>/<shard>.crl` below it; and where their profile says so the OCSP responder, at `/ocsp/<issuer>`. */
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
  /**
   * Among how many lists an issuer's leaves are spread, 16 unless set; 0: they name the complete one. More or fewer later: older leaves keep
   * theirs.
   */
  readonly crlShards?: number;
  /** How long an OCSP answer is good: a day unless set. At half that a new one is signed. */
  readonly ocspLifetimeMs?: number;
  /** How long a certificate is remembered after its end: a year unless set. */
  readonly keptMs?: number;
}

export interface OpenAuthority extends Authority {
  /** Of the default issuer: names its CRL. */
  readonly issuerId: string;
  readonly profiles: readonly Profile[];
  /** Why a name (DNS, wildcard or address) cannot be certified, in words; `undefined` where it can, as far as names go. */
  nameRefusal(name: string): string | undefined;
  /** Checks names and profile of a request that has no key yet, and gives them as its certificate will have them. @throws CaError */
  checkRequest(request: KeylessRequest): CheckedRequest;
  /** @throws CaError `bad_key`: too weak, of a kind that the profile does not take, known to be lost, or a CA's own */
  checkKey(key: PublicKeyInfo, profile?: string): Promise<void>;
  /** Blocks a key for ever, and revokes every certificate with it, as after a `revoke` for `keyCompromise`. */
  blockKey(request: { readonly key: PublicKeyInfo; readonly by: string }): Promise<number>;
  /** Takes a list of an issuer whose key is elsewhere, as an offline root's. @throws CaError `bad_request` */
  importCrl(request: { readonly crl: Uint8Array; readonly by: string }): Promise<void>;
  /**
   * Answers an OCSP request, DER: about what this issuer has issued, and nothing else is ever called good.
   *
   * @throws CaError `not_found` for an issuer whose key is not here; `cannot_sign`; `not_allowed` where its certificate is not for
   * OCSP signing
   */
  ocsp(issuerId: string, request: Uint8Array): Promise<OcspReply>;
  /** Every CA that it knows, the current ones first. */
  issuers(): Promise<readonly IssuerRecord[]>;
  /** That its chains end with: the default one's first. */
  readonly roots: readonly Certificate[];
  /**
   * Goes on with other issuers, as after a rotation: what is under way ends as it began, and nothing is refused in between. What throws has
   * changed nothing.
   *
   * @throws RangeError as `openAuthority`; what the database throws
   */
  replaceIssuers(change: IssuerChange): Promise<void>;
  /**
   * Makes every list of revoked certificates that is due, unless another process is at it, and answers how many it has made. For a timer:
   * whoever asks for a list gets a new one all the same where that is due.
   *
   * @throws AggregateError of what went wrong with some, when all have been tried
   */
  refreshLists(): Promise<number>;
  /** Signs at most `batch` OCSP answers (100) anew that are half over, or say what is true no more. Whether there may be more. */
  presignOcsp(batch?: number): Promise<boolean>;
  /** Forgets at most `batch` certificates (1000) that ended longer than `keptMs` ago. Whether there may be more. */
  maintain(batch?: number): Promise<boolean>;
  /** Serial numbers of certificates that were begun and never finished. They may or may not have been signed; none was handed out. */
  unfinished(): Promise<readonly string[]>;
}

/** What `replaceIssuers` takes: all of them, as `openAuthority` would. */
export type IssuerChange = Pick<AuthorityOptions, 'issuer' | 'otherIssuers'>;

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
  return authorityOf(context, async (change) => {
    const changed = await contextOf({ ...options, otherIssuers: [], ...change });
    await putDownIssuers(changed);
    return changed;
  });
}

async function contextOf(options: AuthorityOptions): Promise<CaContext> {
  const { database, provider, baseUrl, profiles = defaultProfiles, otherIssuers = [], crlShards = 16 } = options;
  const issuers = await checkedIssuers(provider, [options.issuer, ...otherIssuers], profiles);
  const [defaultIssuer] = issuers;
  if (defaultIssuer === undefined || profiles.length === 0) throw new RangeError('a CA without a profile');
  // A CRL is fetched before there is a TLS connection to trust (RFC 5280 §8).
  if (baseUrl !== undefined && !/^http:\/\/[^/?#]+(\/[^?#]*[^/?#])?$/.test(baseUrl)) {
    throw new RangeError(`CRLs are fetched by plain http, from a URL without a slash at its end: ${quoted(baseUrl)}`);
  }
  if (!Number.isInteger(crlShards) || crlShards < 0 || crlShards > maxShards) {
    throw new RangeError(`certificates are spread among 0 to ${maxShards} lists, not ${crlShards}`);
  }
  refuseUnanswered(issuers, profiles, baseUrl);
  return {
    database,
    provider,
    issuers: new Map(issuers.map((issuer) => [issuer.id, issuer])),
    defaultIssuer,
    authorities: authoritiesOf(issuers),
    profiles,
    policy: compilePolicy(options.policy),
    baseUrl,
    crlShards,
    clock: options.clock ?? (() => new Date()),
    backdateMs: options.backdateMs ?? 5 * minute,
    clockSkewMs: options.clockSkewMs ?? 10 * minute,
    crlIntervalMs: options.crlIntervalMs ?? day,
    crlLifetimeMs: options.crlLifetimeMs ?? 7 * day,
    ocspLifetimeMs: options.ocspLifetimeMs ?? day,
    keptMs: options.keptMs ?? 365 * day,
  };
}

/** Each is made, and signed, from time to time. */
const maxShards = 1024;

function answeringOf(context: CaContext): ReadonlyMap<string, Answering> {
  const all = [...context.issuers.values()].map((issuer): [string, Answering] => [
    issuer.id,
    { context, issuer, keeper: new ResponderKeeper(context, issuer) },
  ]);
  return new Map(all);
}

/** What hangs on who the issuers are. */
interface Parts {
  readonly context: CaContext;
  readonly lists: ListKeeper;
  readonly answering: ReadonlyMap<string, Answering>;
}

function partsOf(context: CaContext): Parts {
  return { context, lists: new ListKeeper(context), answering: answeringOf(context) };
}

function authorityOf(first: CaContext, replaced: (change: IssuerChange) => Promise<CaContext>): OpenAuthority {
  const { database, profiles, provider, clock, policy } = first;
  let now = partsOf(first);
  return {
    get chain() {
      return now.context.defaultIssuer.chain;
    },
    get issuerId() {
      return now.context.defaultIssuer.id;
    },
    get roots() {
      return rootsOf(now.context.defaultIssuer);
    },
    profiles,
    issue: (request) => issue(now.context, request),
    revoke: (request) => revoke(now.context, request),
    find: (serial) => findCertificate(database, serial, clock()),
    findByOrigin: (origin) => findByOrigin(now.context, origin),
    list: (filter = {}) => listCertificates(database, filter, clock()),
    crl: (id, name = 'complete') => now.lists.current(id, name),
    close: () => database.close(),
    nameRefusal(name) {
      const checked = policy.check(name);
      return 'code' in checked ? checked.message : undefined;
    },
    checkRequest: (request) => checkedRequest(now.context, request),
    async checkKey(key, profile) {
      checkKey(key, profileOf(now.context, profile), now.context.authorities);
      await refuseBlocked(database, spkiHash(provider, key.spki));
    },
    blockKey: (request) => blockKey(now.context, request),
    async ocsp(id, request) {
      const own = now.answering.get(id);
      if (own === undefined) throw new CaError('not_found', `there is no OCSP responder of the issuer ${quoted(id)}`);
      return await answerOcsp(own, request);
    },
    importCrl: (request) => importCrl(now.context, request),
    issuers: () => listIssuers(now.context),
    async replaceIssuers(change) {
      now = partsOf(await replaced(change));
    },
    refreshLists: () => now.lists.refresh(),
    presignOcsp: (batch = 100) => presignOcsp(now.context, now.answering, batch),
    maintain: (batch = 1000) => forgetCertificates(now.context, batch),
    async unfinished() {
      const rows = await database.all(`SELECT serial FROM certificates WHERE state <> 'issued' ORDER BY serial`);
      return rows.map((row) => text(row, 'serial'));
    },
  };
}

function rootsOf({ chain, alternateChains }: SigningIssuer): readonly Certificate[] {
  return [chain, ...alternateChains].flatMap((each) => each.slice(-1));
}
