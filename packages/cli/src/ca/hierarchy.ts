/**
 * The certificates of a CA's own: roots, intermediates, one root's certificate by another, and the list that a root signs.
 *
 * @module
 */

import { issuerIdOf } from '@handfast/ca';
import type { PublicKeyInfo, Signer } from '@handfast/crypto';
import { nodeProvider as provider } from '@handfast/crypto/node';
import {
  type Certificate,
  type Crl,
  type ExtensionTemplate,
  type IssueCrlOptions,
  type IssueOptions,
  issueCertificate,
  issueCrl,
  type KeyPurpose,
} from '@handfast/x509';
import { dayMs } from '../authority.ts';
import type { CaConfig } from './config.ts';
import { constraintsOf, type NameSpace } from './names.ts';

const yearMs = 365 * dayMs;
const developmentYears = 5;
const rootYears = 20;
const intermediateYears = 5;
/** CA/Browser Forum, TLS Baseline Requirements §4.9.7: at most twelve months for a list of CAs. */
const rootCrlMs = yearMs;
/** Clocks differ. */
const backdatedMs = 5 * 60_000;
/** RFC 5280, appendix A: ub-common-name. */
const commonNameLength = 64;
/** An intermediate, and above it, some day, the root's successor. */
const rootPathLength = 2;

/** What all that is made at a time shares. */
export interface Making {
  readonly config: Pick<CaConfig, 'kind' | 'title' | 'ocsp' | 'baseUrl'>;
  /** What it is confined to. */
  readonly limits: Limits;
  readonly now: Date;
  /** Certificates that there are: no two CAs have one name. */
  readonly others?: readonly Certificate[];
}

export type Limits = Pick<ExtensionTemplate, 'nameConstraints' | 'extensions'>;

/** @param space `undefined`: nothing is confined */
export function limitsOf(space: NameSpace | undefined): Limits {
  return space === undefined ? {} : { nameConstraints: constraintsOf(space) };
}

/** To what another CA is. */
export function limitsLike(certificate: Certificate): Limits {
  const constraints = certificate.extension('nameConstraints');
  return constraints === undefined ? {} : { extensions: [constraints] };
}

/** A CA that signs, and its key. */
export interface CaSigner {
  readonly certificate: Certificate;
  readonly signer: Signer;
}

export async function makeRoot(making: Making, signer: Signer): Promise<Certificate> {
  const { config, limits, now } = making;
  return await issueCertificate({
    provider,
    ...limits,
    ...dates(now, config.kind === 'development' ? developmentYears : rootYears),
    subject: { commonName: newName('root', making) },
    publicKey: signer.publicKey,
    issuer: { signer },
    ca: { pathLength: rootPathLength },
  });
}

/** @param subject of one that there is: the same issuer under another root */
export async function makeIntermediate(
  making: Making,
  root: CaSigner,
  publicKey: PublicKeyInfo,
  subject: IssueOptions['subject'] = { commonName: newName('issuing CA', making) },
): Promise<Certificate> {
  const { config, limits, now } = making;
  return await issueCertificate({
    provider,
    ...limits,
    ...dates(now, config.kind === 'development' ? developmentYears : intermediateYears, root.certificate),
    ...intermediateTemplate(config),
    subject,
    publicKey,
    issuer: root,
    ...listUrl(config, root.certificate),
  });
}

/** What it is for, and how far it reaches. */
export function intermediateTemplate({ ocsp }: Pick<CaConfig, 'ocsp'>): ExtensionTemplate {
  return { ca: { pathLength: 0 }, extendedKeyUsage: purposesOf(ocsp === true) };
}

/** A responder that it certifies needs the purpose all the way up. */
export function purposesOf(ocsp: boolean): readonly KeyPurpose[] {
  return ['serverAuth', 'clientAuth', ...(ocsp ? (['ocspSigning'] as const) : [])];
}

/** A new root's certificate by the old one: who trusts the old one alone then trusts what is below the new one. */
export async function crossSign(
  { config, limits }: Pick<Making, 'config' | 'limits'>,
  old: CaSigner,
  root: Certificate,
): Promise<Certificate> {
  return await issueCertificate({
    provider,
    ...limits,
    notBefore: root.notBefore,
    notAfter: earliest(root.notAfter, old.certificate.notAfter),
    subject: root.subject,
    publicKey: root.publicKey,
    issuer: old,
    ca: { pathLength: rootPathLength - 1 },
    ...listUrl(config, old.certificate),
  });
}

/**
 * A root's list.
 *
 * @param end unless set in a year
 */
export async function makeRootCrl(
  root: CaSigner,
  number: bigint,
  now: Date,
  revoked: IssueCrlOptions['revoked'] = [],
  end?: Date,
): Promise<Crl> {
  const thisUpdate = new Date(Math.max(now.getTime() - backdatedMs, root.certificate.notBefore.getTime()));
  return await issueCrl({
    issuer: root,
    number,
    thisUpdate,
    nextUpdate: earliest(end ?? new Date(thisUpdate.getTime() + rootCrlMs), root.certificate.notAfter),
    revoked,
  });
}

/** Whoever makes a second CA of the same title, or the next of its own, tells them apart in a browser's list. */
export function newName(what: string, { config, now, others = [] }: Making): string {
  const taken = others.map(({ subject }) => subject.commonName);
  const name = `${config.title} ${what} ${now.toISOString().slice(0, 10)}`;
  for (let count = 1; ; count++) {
    const numbered = count === 1 ? name.slice(0, commonNameLength) : `${name.slice(0, commonNameLength - 3)} ${count}`;
    if (!taken.includes(numbered)) return numbered;
  }
}

function listUrl({ baseUrl }: Pick<CaConfig, 'baseUrl'>, issuer: Certificate): Pick<ExtensionTemplate, 'crlUrls'> {
  return baseUrl === undefined ? {} : { crlUrls: [`${baseUrl}/crl/${issuerIdOf(provider, issuer)}.crl`] };
}

/** No longer than the issuer. */
function dates(now: Date, years: number, issuer?: Certificate): { readonly notBefore: Date; readonly notAfter: Date } {
  const notBefore = new Date(now.getTime() - backdatedMs);
  const notAfter = new Date(notBefore.getTime() + years * yearMs);
  return { notBefore, notAfter: issuer === undefined ? notAfter : earliest(notAfter, issuer.notAfter) };
}

function earliest(a: Date, b: Date): Date {
  return a < b ? a : b;
}
