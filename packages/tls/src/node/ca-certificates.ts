/**
 * Whom a program trusts that names nobody. The lists are those of `node:tls`, so that what either module is told holds for
 * both; here are the stores made of them.
 *
 * Node's flags and variables (`NODE_EXTRA_CA_CERTS`, `--use-system-ca`, …) count as they do there. `getCACertificates` does not
 * list OpenSSL's store (`--use-openssl-ca`), as Node's does not; it is trusted here all the same.
 *
 * @module
 */

import { X509Certificate } from 'node:crypto';
import nodeTls from 'node:tls';
import { type Certificate, rootsOnly, type TrustStore, trustStore } from '@handfast/x509';
import { defaultTrust as nodeTrust } from '@handfast/x509/node';
import { coded, invalidArgType } from './argument-errors.ts';

/** Taken now: `@handfast/tls/register` puts ours in their place. The second is there from Node 22.19 on. */
const { getCACertificates: listOf, setDefaultCACertificates: replaceDefault }: Partial<typeof nodeTls> & Lists =
  nodeTls;

type Lists = Pick<typeof nodeTls, 'getCACertificates'>;

export type CACertificateType = 'default' | 'system' | 'bundled' | 'extra';

/** Node's bundled roots, which are Mozilla's, in PEM. Frozen. */
export const rootCertificates: readonly string[] = nodeTls.rootCertificates;

/**
 * Certificates in PEM, in a frozen array, which is the same one until `setDefaultCACertificates` changes it: whom we trust by
 * default, the system's, those that come with Node, or those of `NODE_EXTRA_CA_CERTS`.
 *
 * @throws TypeError `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`
 */
export function getCACertificates(type: CACertificateType = 'default'): string[] {
  // Frozen, as Node's lists are, and called what Node's declarations call those.
  return type === 'default' && ownDefault !== undefined ? (ownDefault as string[]) : listOf(type);
}

/**
 * Puts other certificates in the place of those that are trusted by default, for connections that are made from then on
 * in this thread; also for `node:tls`, from Node 22.19 on. None: nobody is trusted.
 *
 * @param certs PEM, with any number of certificates each
 * @throws TypeError `ERR_INVALID_ARG_TYPE`
 * @throws Error with a code of OpenSSL for one that cannot be read, `ERR_CRYPTO_OPERATION_FAILED` where there is none at all
 */
export function setDefaultCACertificates(certs: readonly (string | NodeJS.ArrayBufferView)[]): void {
  if (replaceDefault === undefined) ownDefault = defaultOf(certs);
  else replaceDefault(certs);
}

/** Before Node 22.19, which cannot be told. */
let ownDefault: readonly string[] | undefined;

/** As Node reads them. */
export function defaultOf(certs: readonly (string | NodeJS.ArrayBufferView)[]): readonly string[] {
  if (!Array.isArray(certs)) throw invalidArgType('certs', ['Array'], certs);
  for (const [index, item] of certs.entries()) {
    if (typeof item !== 'string' && !ArrayBuffer.isView(item)) {
      throw invalidArgType(`certs[${index}]`, ['string', 'ArrayBufferView'], item);
    }
  }
  const found = certs.map(textOf).flatMap((text) => text.match(certificateBlock) ?? []);
  if (found.length === 0 && certs.length > 0) {
    throw coded(new Error('No valid certificates found in the provided array'), 'ERR_CRYPTO_OPERATION_FAILED');
  }
  return Object.freeze([...new Set(found.map((block) => new X509Certificate(block).toString()))]);
}

const certificateBlock = /-----BEGIN (?<label>(?:X509 )?CERTIFICATE)-----[^-]*-----END \k<label>-----/g;

function textOf(item: string | NodeJS.ArrayBufferView): string {
  return typeof item === 'string'
    ? item
    : Buffer.from(item.buffer, item.byteOffset, item.byteLength).toString('latin1');
}

/** How paths end. */
export interface PathEnds {
  /** Also at a certificate that is not self-signed, where that is trusted. Default: false, as in Node. */
  readonly allowPartialTrustChain?: boolean | undefined;
}

/** Stores by the list that they are of. */
const stores = new WeakMap<readonly string[], Readonly<Record<'partial' | 'roots', TrustStore>>>();

/** Whom Node trusts by default at this moment. One store for all connections, until the list is another. */
export function defaultTrust(ends: PathEnds = {}): TrustStore {
  return storeOf(getCACertificates('default'), ends);
}

/**
 * The same, made when it is first asked for: a context keeps whom Node trusted when it was made, and needs no store as long
 * as nobody is verified.
 */
export function trustOfNow(ends: PathEnds = {}): () => TrustStore {
  const list = getCACertificates('default');
  return () => storeOf(list, ends);
}

function storeOf(list: readonly string[], { allowPartialTrustChain = false }: PathEnds): TrustStore {
  let known = stores.get(list);
  if (known === undefined) {
    const partial = nodeTrust(list);
    known = { partial, roots: rootsOnly(partial) };
    stores.set(list, known);
  }
  return allowPartialTrustChain ? known.partial : known.roots;
}

/** Whom a context trusts that was given certificates: those, and where only a PKCS#12 file brought them, Node's default too. */
export function namedTrust(
  certificates: readonly Certificate[],
  { trustsDefaults, allowPartialTrustChain = false }: PathEnds & { readonly trustsDefaults: boolean },
): TrustStore {
  const defaults = trustsDefaults ? defaultTrust({ allowPartialTrustChain: true }).anchors : [];
  const store = trustStore([...defaults, ...certificates]);
  return allowPartialTrustChain ? store : rootsOnly(store);
}
