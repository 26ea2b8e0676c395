/**
 * What SSL 3.0, TLS 1.0, 1.1 and 1.2 do each in its own way. Everything else is said once, in this folder's client and
 * server; the older versions' rows are in `legacy/`.
 *
 * @module
 */

import type { Cryptography, Hash, MaybePromise } from '@handfast/crypto';
import type { Certificate } from '@handfast/x509';
import { type Chosen, type SchemeRule, signBy, signerAlgorithm } from '../credentials.ts';
import type { Dialect } from '../dialect.ts';
import { TlsError } from '../errors.ts';
import type { DigitallySigned } from '../messages/messages12.ts';
import {
  type HandshakeScheme,
  nameIn,
  type SignatureScheme,
  schemeById,
  TLS12,
  type VersionName,
} from '../registry.ts';
import { dialect12 } from './messages.ts';
import { type KeySchedule12, prf12, scheduleOf } from './prf.ts';
import type { Tls12CipherSuite } from './suites.ts';

/** How handshake messages are signed. */
export interface Signing {
  /** Whether signatures name their scheme, and a hello's signature_algorithms says which are taken. */
  readonly namesScheme: boolean;
  /** What there is to sign with; undefined: the config's schemes. */
  readonly schemes?: readonly HandshakeScheme[];
  /** Which of them a credential can sign with. */
  readonly rule: SchemeRule;
  /** A signature of ours over `content`. */
  readonly sign: (provider: Cryptography, chosen: Chosen, content: Uint8Array) => MaybePromise<Uint8Array>;
  /** Whether the peer's is good, by the key of `leaf`; throws where its scheme is not ours to take. */
  readonly verify: (
    provider: Cryptography,
    message: string,
    leaf: Certificate,
    content: Uint8Array,
    signed: DigitallySigned,
    offered: readonly SignatureScheme[],
  ) => MaybePromise<{ readonly good: boolean; readonly scheme: HandshakeScheme | undefined }>;
}

export interface Family {
  readonly id: number;
  readonly name: VersionName;
  readonly dialect: Dialect;
  /** Whether hellos may have extensions; where not, clients are not asked for certificates either. */
  readonly knowsExtensions: boolean;
  readonly signing: Signing;
  /** The hashes that run over the handshake, side by side. */
  readonly hashes: (provider: Cryptography, suite: Tls12CipherSuite) => readonly Hash[];
  readonly schedule: (provider: Cryptography, suite: Tls12CipherSuite) => KeySchedule12;
}

const signing12: Signing = {
  namesScheme: true,
  rule: (scheme, credential) =>
    scheme.keyTypes12.includes(credential.signer.publicKey.type) && signerAlgorithm(credential, scheme) !== undefined,
  sign: (_provider, chosen, content) => signBy(chosen, content),
  verify(provider, message, leaf, content, { algorithm = 0, signature }, offered) {
    const scheme = schemeById.get(algorithm);
    const name = nameIn(schemeById, algorithm);
    if (scheme === undefined || !offered.includes(scheme)) {
      throw new TlsError('illegal_parameter', `${message}: signed with ${name}, which we did not offer`);
    }
    const { type } = leaf.publicKey;
    if (!scheme.keyTypes12.includes(type)) {
      throw new TlsError('illegal_parameter', `${message}: ${name} does not fit a key of type ${type}`);
    }
    const good = provider.signatures[scheme.algorithm]?.verify(leaf.publicKey, content, signature) ?? false;
    return good instanceof Promise ? good.then((answer) => ({ good: answer, scheme })) : { good, scheme };
  },
};

export const tls12Family: Family = {
  id: TLS12,
  name: 'TLS 1.2',
  dialect: dialect12,
  knowsExtensions: true,
  signing: signing12,
  hashes: (provider, { hash }) => [provider.createHash(hash)],
  schedule: (provider, { hash }) => scheduleOf(prf12(provider, hash)),
};
