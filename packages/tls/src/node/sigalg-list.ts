/**
 * The option `sigalgs`: OpenSSL's lists of signature algorithms (SSL_CTX_set1_sigalgs_list(3)), as `node:tls` takes them, to
 * signature schemes. A list is of names, told apart by `:`: IANA's (`ecdsa_secp256r1_sha256`), or a key and a hash
 * (`RSA-PSS+SHA256`); `?` before one says that it is no matter if it is not known.
 *
 * What is otherwise than in Node: what OpenSSL has and this package has not (SHA-1, SHA-224, DSA, brainpool curves) is passed
 * over, and reported; a list that leaves none fails at once, not at the handshake; the error says what is wrong.
 *
 * @module
 */

import { quote, TlsConfigError } from '../errors.ts';
import { type SignatureScheme, signatureSchemes } from '../registry.ts';
import { invalidArgType, invalidArgValue } from './argument-errors.ts';
import { opensslRefusal } from './openssl-refusal.ts';

/** What a list chose. */
export interface ChosenSchemes {
  /** Best first. */
  readonly signatureSchemes: readonly SignatureScheme[];
  /** Names of schemes that are not here. */
  readonly ignored: readonly string[];
}

/** OpenSSL's names, in lower case, to IANA's. IANA's own count in any case, too. */
const aliases: ReadonlyMap<string, string> = new Map([
  ['ecdsa+sha256', 'ecdsa_secp256r1_sha256'],
  ['ecdsa+sha384', 'ecdsa_secp384r1_sha384'],
  ['ecdsa+sha512', 'ecdsa_secp521r1_sha512'],
  ...['sha256', 'sha384', 'sha512'].flatMap((hash) => [
    [`rsa+${hash}`, `rsa_pkcs1_${hash}`] as const,
    [`rsa-pss+${hash}`, `rsa_pss_rsae_${hash}`] as const,
    [`pss+${hash}`, `rsa_pss_rsae_${hash}`] as const,
  ]),
  ['ml-dsa-44', 'mldsa44'],
  ['ml-dsa-65', 'mldsa65'],
  ['ml-dsa-87', 'mldsa87'],
]);

/** What OpenSSL 3.5 has besides, in lower case: Node takes these names. */
const elsewhere: ReadonlySet<string> = new Set(
  [
    'rsa+sha1 rsa+sha224 rsa_pkcs1_sha1 rsa_pkcs1_sha224 ecdsa+sha1 ecdsa+sha224 ecdsa_sha1 ecdsa_sha224',
    'dsa+sha1 dsa+sha224 dsa+sha256 dsa+sha384 dsa+sha512 dsa_sha1 dsa_sha224 dsa_sha256 dsa_sha384 dsa_sha512',
    'ecdsa_brainpoolp256r1tls13_sha256 ecdsa_brainpoolp384r1tls13_sha384 ecdsa_brainpoolp512r1tls13_sha512',
    'ecdsa_brainpoolp256r1_sha256 ecdsa_brainpoolp384r1_sha384 ecdsa_brainpoolp512r1_sha512',
  ].flatMap((names) => names.split(' ')),
);

/**
 * Chooses signature schemes by a list.
 *
 * @example
 * ```ts
 * const { signatureSchemes } = schemesOf('ed25519:ECDSA+SHA256:RSA-PSS+SHA256');
 * ```
 * @param known what may be chosen.
 * @throws as Node does: `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE` for an empty list,
 *   `ERR_SSL_PASSED_INVALID_ARGUMENT`, `ERR_SSL_NO_SUITABLE_SIGNATURE_ALGORITHM`.
 *   TlsConfigError for a name that is not known: Node's error has neither code nor words.
 */
export function schemesOf(list: string, known: readonly SignatureScheme[] = signatureSchemes): ChosenSchemes {
  if (typeof list !== 'string') throw invalidArgType('options.sigalgs', ['string'], list);
  if (list === '') throw invalidArgValue('options.sigalgs', list);
  const chosen = new Set<SignatureScheme>();
  const ignored: string[] = [];
  const names = known.map(({ name }) => name).join(', ');
  const words = list.split(':').map((word) => word.trim());
  for (const word of words) {
    const optional = word.startsWith('?');
    const name = word.slice(optional ? 1 : 0);
    const lower = name.toLowerCase();
    const ianaName = aliases.get(lower) ?? lower;
    const scheme = known.find((row) => row.name === ianaName);
    const real = elsewhere.has(lower) || signatureSchemes.some((row) => row.name === ianaName);
    if (scheme !== undefined) chosen.add(scheme);
    else if (optional || real) ignored.push(name);
    else throw new TlsConfigError('sigalgs', `${quote(word)} is not known; known are ${names}`);
  }
  if (chosen.size === 0) {
    const noneReal = words.every((word) => word.startsWith('?'));
    const reason = noneReal ? 'passed invalid argument' : 'no suitable signature algorithm';
    throw opensslRefusal(reason, `${quote(list)}; known are ${names}`);
  }
  return { signatureSchemes: [...chosen], ignored };
}
