/**
 * From what was asked for to what is to be certified: names against the policy, the key and the lifetime against the profile.
 *
 * @module
 */

import type { PublicKeyInfo } from '@handfast/crypto';
import type { IssueRequest } from '../authority.ts';
import { type CaContext, endOf, issuerOf, type SigningIssuer, wholeSeconds } from '../context.ts';
import { CaError } from '../errors.ts';
import { normaliseSerial } from '../store/certificates.ts';
import { checkKey } from './keys.ts';
import { type NameRefusal, quoted, type RequestedName } from './policy.ts';
import type { Profile } from './profiles.ts';

/** All that a certificate will say, but for its serial number. */
export interface Intention {
  readonly profile: Profile;
  readonly issuer: SigningIssuer;
  readonly publicKey: PublicKeyInfo;
  readonly names: readonly RequestedName[];
  readonly commonName: string | undefined;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly now: Date;
  readonly by: string;
  readonly origin: string | undefined;
  readonly replaces: string | undefined;
  readonly within: IssueRequest['within'];
  readonly recorded: IssueRequest['recorded'];
}

/** What can be said of a request before there is a key. */
export type KeylessRequest = Pick<IssueRequest, 'names' | 'emails' | 'commonName' | 'profile' | 'purposes'>;

/** As the certificate will have it. */
export type CheckedRequest = Pick<Intention, 'profile' | 'names' | 'commonName'>;

/** Names that one certificate holds at most: as the web's CAs have it. */
const maxNames = 100;

/** @throws CaError */
export function intentionOf(context: CaContext, request: IssueRequest): Intention {
  const checked = checkedRequest(context, request);
  const { profile } = checked;
  checkKey(request.publicKey, profile, context.authorities);
  const issuer = issuerOf(context, profile);
  const now = context.clock();
  return {
    ...checked,
    issuer,
    publicKey: request.publicKey,
    ...periodOf(context, issuer, profile, request.lifetimeMs, now),
    now,
    by: request.by,
    origin: request.origin,
    replaces: request.replaces === undefined ? undefined : normaliseSerial(request.replaces),
    within: request.within,
    recorded: request.recorded,
  };
}

/** Names and profile, by the policy. @throws CaError */
export function checkedRequest(context: CaContext, request: KeylessRequest): CheckedRequest {
  const profile = profileOf(context, request.profile);
  refuseFurther(request, profile);
  const names = namesOf(context, request, profile);
  return { profile, names, commonName: commonNameOf(request, profile, names) };
}

function refuseFurther({ purposes }: KeylessRequest, { name, extendedKeyUsage }: Profile): void {
  const further = extendedKeyUsage.filter((purpose) => purposes?.includes(purpose) === false);
  if (further.length === 0) return;
  throw new CaError(
    'not_allowed',
    `certificates of the profile "${name}" are for ${further.join(', ')}, and not had this way`,
  );
}

/** @throws CaError `bad_request` */
export function profileOf({ profiles }: Pick<CaContext, 'profiles'>, name: string | undefined): Profile {
  const profile = name === undefined ? profiles[0] : profiles.find((candidate) => candidate.name === name);
  if (profile !== undefined) return profile;
  throw new CaError('bad_request', `there is no profile ${quoted(name ?? '')}`, {
    hint: `profiles are ${profiles.map((candidate) => candidate.name).join(', ')}`,
  });
}

function namesOf(
  { policy }: CaContext,
  { names, emails = [] }: KeylessRequest,
  profile: Profile,
): readonly RequestedName[] {
  if (names.length + emails.length > maxNames) {
    throw new CaError(
      'bad_request',
      `${names.length + emails.length} names; one certificate holds ${maxNames} at most`,
    );
  }
  if (emails.length > 0 && !profile.emails) {
    throw new CaError('not_allowed', `the profile "${profile.name}" certifies no mailboxes`);
  }
  const found = new Map<string, RequestedName>();
  const refusals: NameRefusal[] = [];
  for (const checked of [...names.map(policy.check), ...emails.map(policy.checkEmail)]) {
    if ('code' in checked) refusals.push(checked);
    else found.set(`${checked.kind} ${checked.name}`, checked);
  }
  const worst = refusals.find(({ code }) => code === 'bad_request') ?? refusals[0];
  if (worst !== undefined) {
    throw new CaError(worst.code, refusals.map(({ message }) => message).join('; '), { hint: policyHint });
  }
  return [...found.values()];
}

const policyHint = 'what this CA certifies is a list of its configuration';

function commonNameOf(
  { commonName: given }: KeylessRequest,
  profile: Profile,
  names: readonly RequestedName[],
): string | undefined {
  if (profile.commonName === 'names') {
    if (names.length === 0) throw new CaError('bad_request', 'a certificate without a name');
    if (given === undefined) return undefined;
    const name = names.find((candidate) => candidate.name === given.toLowerCase())?.name;
    if (name === undefined) {
      throw new CaError('bad_request', `the common name ${quoted(given)} is none of the certificate's names`);
    }
    return checkedCommonName(name);
  }
  const commonName = given ?? (names.find(({ kind }) => kind === 'email') ?? names[0])?.name;
  if (commonName === undefined) throw new CaError('bad_request', 'a certificate without a name or a common name');
  return checkedCommonName(commonName);
}

/** RFC 5280 §A.1, ub-common-name; what cannot be printed would deceive whoever reads it. */
function checkedCommonName(commonName: string): string {
  const length = [...commonName].length;
  if (length === 0 || length > 64) {
    throw new CaError('bad_request', `a common name has 1 to 64 characters, not ${length}: ${quoted(commonName)}`);
  }
  if (/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/u.test(commonName) || commonName.trim() !== commonName) {
    throw new CaError('bad_request', `a common name is text that can be printed: ${quoted(commonName)}`);
  }
  return commonName;
}

function periodOf(
  { backdateMs }: CaContext,
  { chain }: SigningIssuer,
  profile: Profile,
  lifetimeMs: number = profile.lifetimeMs,
  now: Date,
): Pick<Intention, 'notBefore' | 'notAfter'> {
  if (!(lifetimeMs >= 1000)) throw new CaError('bad_request', `a lifetime of ${lifetimeMs} ms`);
  if (lifetimeMs > profile.maxLifetimeMs) {
    throw new CaError(
      'not_allowed',
      `a lifetime of ${days(lifetimeMs)}; the profile "${profile.name}" has ${days(profile.maxLifetimeMs)} at most`,
    );
  }
  const begin = Math.max(...chain.map(({ notBefore }) => notBefore.getTime()));
  const end = endOf(chain);
  if (now.getTime() < begin) {
    throw new CaError('cannot_sign', `the issuer is not valid before ${new Date(begin).toISOString()}`);
  }
  if (now.getTime() + 1000 > end) {
    throw new CaError('cannot_sign', `the issuer ended at ${new Date(end).toISOString()}`, {
      hint: 'renew the issuer',
    });
  }
  return {
    notBefore: wholeSeconds(Math.max(now.getTime() - backdateMs, begin)),
    notAfter: wholeSeconds(Math.min(now.getTime() + lifetimeMs, end)),
  };
}

function days(ms: number): string {
  return `${Math.round(ms / 8_640_000) / 10} days`;
}
