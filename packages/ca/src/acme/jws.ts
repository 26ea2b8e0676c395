/**
 * The envelope of every ACME request (RFC 8555 §6.2): a JWS in flattened JSON (RFC 7515 §7.2.2), all of its header protected,
 * with either the key itself or the account's URL. What is not exactly that is refused before anything is computed.
 *
 * @module
 */

import {
  type Bytes,
  type CryptoProvider,
  concat,
  ecdsaToDer,
  type KeyType,
  type PublicKeyInfo,
  type SignatureAlgorithm,
  utf8,
} from '@handfast/crypto';
import { fromBase64url, jsonMembers, type Members, membersOf, stringMember } from './encoding.ts';
import { parseJwk } from './jwk.ts';
import { malformed, Problem } from './problems.ts';

export interface Jws {
  readonly alg: string;
  readonly url: string;
  /** Absent within another JWS (key change, external account binding). */
  readonly nonce: string | undefined;
  /** Exactly one of the two is there. */
  readonly jwk: unknown;
  readonly kid: string | undefined;
  /** Empty: POST-as-GET. */
  readonly payload: Bytes;
  readonly signature: Bytes;
  /** What the signature is over. */
  readonly signed: Bytes;
}

interface Algorithm {
  readonly name: string;
  readonly keyType: KeyType;
  readonly signature: SignatureAlgorithm;
  /** Bytes of `r | s`, for ECDSA, which JWS does not write as DER (RFC 7518 §3.4). */
  readonly pairLength?: number;
}

const algorithms: readonly Algorithm[] = [
  { name: 'ES256', keyType: 'secp256r1', signature: 'ecdsa-sha256', pairLength: 64 },
  { name: 'ES384', keyType: 'secp384r1', signature: 'ecdsa-sha384', pairLength: 96 },
  { name: 'RS256', keyType: 'rsa', signature: 'rsa-pkcs1-sha256' },
  { name: 'EdDSA', keyType: 'ed25519', signature: 'ed25519' },
];

/** @throws Problem `malformed` */
export function parseJws(body: Uint8Array): Jws {
  return jwsOf(jsonMembers(body, 'the request'));
}

/** A JWS within another's payload, parsed already. @throws Problem `malformed` */
export function innerJws(value: unknown, what: string): Jws {
  const jws = jwsOf(membersOf(value, what));
  if (jws.nonce !== undefined) throw malformed(`${what} has a nonce`);
  return jws;
}

/**
 * The key of a JWS that brings it along.
 *
 * @throws Problem `malformed`, `badPublicKey`
 */
export function embeddedKey({ jwk }: Jws): PublicKeyInfo {
  if (jwk === undefined) throw malformed('the JWS must hold its key ("jwk")');
  return parseJwk(jwk);
}

/**
 * Whether the JWS is signed with `key`.
 *
 * @throws Problem `badSignatureAlgorithm`, also for an algorithm of another kind of key; `unauthorized` for a signature that is wrong
 */
export async function verifyJws(
  provider: Pick<CryptoProvider, 'signatures'>,
  jws: Jws,
  key: PublicKeyInfo,
): Promise<void> {
  const row = algorithms.find(({ name, keyType }) => name === jws.alg && keyType === key.type);
  const verifier = row && provider.signatures[row.signature];
  if (row === undefined || verifier === undefined) {
    throw new Problem('badSignatureAlgorithm', { algorithms: algorithms.map(({ name }) => name) });
  }
  const { pairLength } = row;
  const fits = pairLength === undefined || jws.signature.length === pairLength;
  const signature = fits && pairLength !== undefined ? ecdsaToDer(jws.signature) : jws.signature;
  if (!fits || !(await verifier.verify(key, jws.signed, signature))) {
    throw new Problem('unauthorized', { detail: 'the signature of the JWS is wrong' });
  }
}

function jwsOf(members: Members): Jws {
  for (const name of members.keys()) {
    if (!['protected', 'payload', 'signature'].includes(name)) {
      throw malformed('the JWS is not in flattened JSON with a protected header alone');
    }
  }
  const encodedHeader = stringMember(members, 'protected');
  const encodedPayload = stringMember(members, 'payload');
  const encodedSignature = stringMember(members, 'signature');
  if (encodedHeader === undefined || encodedPayload === undefined || encodedSignature === undefined) {
    throw malformed('a JWS has "protected", "payload" and "signature"');
  }
  const [header, payload, signature] = [encodedHeader, encodedPayload, encodedSignature].map(fromBase64url);
  if (header === undefined || payload === undefined || signature === undefined) {
    throw malformed('a part of the JWS is no base64url');
  }
  return {
    ...headerOf(header),
    payload,
    signature,
    signed: concat(utf8(encodedHeader), utf8('.'), utf8(encodedPayload)),
  };
}

/** Those that would change what is signed, or where the key comes from: none of them is understood here. */
const refusedParameters = ['b64', 'crit', 'enc', 'jku', 'x5c', 'x5u', 'zip'];

function headerOf(bytes: Uint8Array): Pick<Jws, 'alg' | 'url' | 'nonce' | 'jwk' | 'kid'> {
  const header = jsonMembers(bytes, 'the protected header');
  const refused = refusedParameters.find((name) => header.has(name));
  if (refused !== undefined) throw malformed(`the protected header has "${refused}"`);
  const alg = stringMember(header, 'alg');
  const url = stringMember(header, 'url');
  if (alg === undefined || url === undefined) throw malformed('the protected header lacks "alg" or "url"');
  const jwk = header.get('jwk');
  const kid = stringMember(header, 'kid');
  if ((jwk === undefined) === (kid === undefined)) throw malformed('the protected header has one of "jwk" and "kid"');
  return { alg, url, nonce: stringMember(header, 'nonce'), jwk, kid };
}
