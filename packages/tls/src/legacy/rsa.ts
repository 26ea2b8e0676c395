/**
 * RSA key transport (RFC 5246 §7.4.7.1): the client encrypts the premaster secret to the server's certificate. No forward
 * secrecy, and the home of Bleichenbacher's oracle: the server makes up another secret before it decrypts, takes it without
 * a branch wherever anything is wrong, and says nothing; the handshake then fails at Finished.
 *
 * @module
 */

import { type Bytes, type Cryptography, concat, settle, wipe } from '@handfast/crypto';
import { premasterOf } from '@handfast/crypto/legacy';
import type { ServerConfig } from '../config.ts';
import type { Credential } from '../credentials.ts';
import { TlsError } from '../errors.ts';
import type { Flow } from '../flow.ts';
import type { Reader } from '../messages/reader.ts';
import { Writer } from '../messages/writer.ts';
import { SSL30, TLS12 } from '../registry.ts';
import type { ClientContext, ClientExchange, KeyExchange12, Obstacle, ServerContext } from '../tls12/key-exchange.ts';
import { legacyOf } from './provider.ts';

export const rsaTransport: KeyExchange12 = {
  name: 'RSA',
  serverMessage: 'never',
  certificateUsage: 'keyEncipherment',
  usesCurves: false,
  supportedBy: ({ legacy }) => legacy?.rsaEncrypt !== undefined,
  certificateFits: decrypts,
  obstacle: noKeyDecrypts,

  *serverParams(context) {
    return {
      params: undefined,
      group: undefined,
      premaster: (clientParams) => decryptPremaster(context, clientParams),
      dispose: () => undefined,
    };
  },

  clientParams(context) {
    return {
      group: undefined,
      *exchange(): Flow<ClientExchange> {
        const { encrypted, premaster } = yield* encryptPremaster(context);
        // SSL 3.0 leaves the length out.
        const params = context.version === SSL30 ? encrypted : new Writer().opaque16(encrypted).finish();
        return { params, premaster };
      },
    };
  },
};

/** Whether a server can use a credential for it. */
export function decrypts({ legacyKey }: Credential): boolean {
  return legacyKey?.decryptRaw !== undefined;
}

export function noKeyDecrypts({ credentials, selectCredential }: ServerConfig): Obstacle | undefined {
  if (selectCredential !== undefined || credentials.some(decrypts)) return undefined;
  return { why: 'no credential has a legacyKey, by which RSA key exchange decrypts', code: 'handshake_failure' };
}

/** Two bytes of the version that the hello offered, and 46 at random. */
export function* encryptPremaster({
  config,
  offeredVersion,
  serverKey,
}: ClientContext): Flow<{ readonly encrypted: Bytes; readonly premaster: Bytes }> {
  const { rsaEncrypt } = legacyOf(config.provider);
  if (rsaEncrypt === undefined || serverKey === undefined) {
    throw new TlsError('internal', `the ${config.provider.name} provider cannot encrypt by RSA`);
  }
  const premaster = config.provider.random(48);
  const version = Math.min(offeredVersion, TLS12);
  premaster.set([version >> 8, version & 0xff]);
  try {
    return { encrypted: yield* settle(rsaEncrypt(serverKey, premaster)), premaster };
  } catch (cause) {
    wipe(premaster);
    throw new TlsError('illegal_parameter', "Certificate: nothing can be encrypted to the server's RSA key", { cause });
  }
}

/** Never throws for what the client sent: that would be the oracle. */
export function* decryptPremaster(
  { config, hello, credential, version }: ServerContext,
  clientParams: Reader,
): Flow<Bytes> {
  const encrypted = version === SSL30 ? clientParams.rest() : clientParams.opaque16();
  clientParams.end();
  return yield* open(config.provider, credential?.legacyKey?.decryptRaw, encrypted, hello.legacyVersion);
}

function* open(
  provider: Cryptography,
  decryptRaw: ((ciphertext: Uint8Array) => Bytes | Promise<Bytes>) | undefined,
  encrypted: Uint8Array,
  clientVersion: number,
): Flow<Bytes> {
  if (decryptRaw === undefined) throw new TlsError('internal', 'a certificate was chosen whose key cannot decrypt');
  // Before anything is decrypted, so that its time says nothing.
  const fallback = provider.random(48);
  let decrypted: Bytes | undefined;
  try {
    decrypted = yield* settle(decryptRaw(encrypted));
    return premasterOf(decrypted, clientVersion, fallback);
  } catch {
    // A length or a number that anybody can see to be wrong.
    return concat(fallback);
  } finally {
    wipe(decrypted, fallback);
  }
}
