/**
 * JSON Web Keys (RFC 7517, RFC 7518 §6, RFC 8037 §2) to public keys and back, and their thumbprints (RFC 7638). Kinds of
 * account keys are rows of a table: P-256, P-384, RSA of 2,048 to 4,096 bits, Ed25519.
 *
 * @module
 */

import { createPublicKey, type JsonWebKey } from 'node:crypto';
import { type CryptoProvider, type KeyType, type PublicKeyInfo, utf8 } from '@handfast/crypto';
import { parsePublicKey } from '@handfast/x509';
import { base64url, fromBase64url, type Members, membersOf } from './encoding.ts';
import { malformed, Problem } from './problems.ts';

interface Kind {
  readonly type: KeyType;
  /** The members, sorted: those of the thumbprint. `kty` and `crv` have the values that stand here. */
  readonly members: readonly string[];
  readonly kty: string;
  readonly crv?: string;
  /** Bytes of the members that are numbers; unless set, the shortest encoding of any length. */
  readonly length?: number;
}

const kinds: readonly Kind[] = [
  { type: 'secp256r1', kty: 'EC', crv: 'P-256', members: ['crv', 'kty', 'x', 'y'], length: 32 },
  { type: 'secp384r1', kty: 'EC', crv: 'P-384', members: ['crv', 'kty', 'x', 'y'], length: 48 },
  { type: 'rsa', kty: 'RSA', members: ['e', 'kty', 'n'] },
  { type: 'ed25519', kty: 'OKP', crv: 'Ed25519', members: ['crv', 'kty', 'x'], length: 32 },
];

/** What only a private or a symmetric key has. */
const secretMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

const rsaBits = { least: 2048, most: 4096 };

/**
 * The key of a JWK. A point that is not on its curve is refused here.
 *
 * @throws Problem `malformed`, or `badPublicKey` for a kind or a size that is not taken
 */
export function parseJwk(value: unknown): PublicKeyInfo {
  const members = membersOf(value, 'the JWK');
  if (secretMembers.some((name) => members.has(name))) throw malformed('the JWK holds a secret key');
  const kty = members.get('kty');
  const kind = kinds.find((row) => row.kty === kty && row.crv === members.get('crv'));
  if (kind === undefined) throw new Problem('badPublicKey');
  const jwk = Object.fromEntries(kind.members.map((name) => [name, memberOf(members, name, kind)]));
  const key = keyOf(jwk);
  if (key.type === 'rsa' && (key.bits < rsaBits.least || key.bits > rsaBits.most)) throw new Problem('badPublicKey');
  return key;
}

/** The JWK with the members of the thumbprint and no other. Throws `RangeError` for a key that is none of an account's. */
export function jwkOf(key: PublicKeyInfo): Readonly<Record<string, string>> {
  const kind = kinds.find(({ type }) => type === key.type);
  if (kind === undefined) throw new RangeError(`no JWK for a key of type ${key.type}`);
  const jwk: JsonWebKey = createPublicKey({ key: Buffer.from(key.spki), format: 'der', type: 'spki' }).export({
    format: 'jwk',
  });
  return Object.fromEntries(kind.members.map((name) => [name, String(jwk[name])]));
}

/** RFC 7638 with SHA-256, as base64url. */
export function thumbprint(provider: Pick<CryptoProvider, 'digest'>, key: PublicKeyInfo): string {
  return base64url(provider.digest('sha256', utf8(JSON.stringify(jwkOf(key)))));
}

function memberOf(members: Members, name: string, kind: Kind): string {
  const value = members.get(name);
  if (typeof value !== 'string') throw malformed(`the JWK has no "${name}"`);
  if (name === 'kty' || name === 'crv') return value;
  const bytes = fromBase64url(value);
  const fits = kind.length === undefined ? bytes?.[0] !== 0 && bytes?.length !== 0 : bytes?.length === kind.length;
  if (bytes === undefined || !fits) throw malformed(`"${name}" of the JWK is not encoded as it must be`);
  return value;
}

/** Whatever is wrong with it, the key is the client's: an exponent of 1, a modulus that is even. */
function keyOf(jwk: JsonWebKey): PublicKeyInfo {
  try {
    return parsePublicKey(createPublicKey({ key: jwk, format: 'jwk' }).export({ format: 'der', type: 'spki' }));
  } catch (cause) {
    throw new Problem('badPublicKey', { cause });
  }
}
