/**
 * Pre-shared keys of TLS 1.2 and before (RFC 4279, RFC 5489): alone, or with DHE, ECDHE or RSA beside them. Whose key it is
 * says the config's `preSharedKey`. Alone they have no forward secrecy, and a weak key can be guessed from one handshake.
 *
 * @module
 */

import { type Bytes, wipe } from '@handfast/crypto';
import type { SharedKey } from '../config.ts';
import { TlsError } from '../errors.ts';
import { callUser, type Flow } from '../flow.ts';
import type { Reader } from '../messages/reader.ts';
import { Writer } from '../messages/writer.ts';
import { checkedKey, hashOf } from '../shared-key.ts';
import {
  type ClientContext,
  type ClientExchange,
  ecdhe,
  type KeyExchange12,
  type Obstacle,
  type ServerContext,
  type ServerExchange,
} from '../tls12/key-exchange.ts';
import { dhe } from './dhe.ts';
import { decryptPremaster, decrypts, encryptPremaster, noKeyDecrypts } from './rsa.ts';

/** RFC 4279 §5.3 wants 128 bytes at least to be taken; a hint is held to the same when a config is made. */
const longestIdentity = 256;
const longestHint = 256;

const noKeys: Obstacle = { why: 'the config has no preSharedKey', code: 'handshake_failure' };

/** The key alone: the other half of the premaster secret is as many zeros. */
export const psk: KeyExchange12 = /* @__PURE__ */ pskBeside('PSK', undefined);
export const dhePsk: KeyExchange12 = /* @__PURE__ */ pskBeside('DHE_PSK', dhe);
export const ecdhePsk: KeyExchange12 = /* @__PURE__ */ pskBeside('ECDHE_PSK', ecdhe);

function pskBeside(name: string, other: KeyExchange12 | undefined): KeyExchange12 {
  return {
    name,
    serverMessage: other === undefined ? 'optional' : 'always',
    certificateUsage: 'digitalSignature',
    usesCurves: other?.usesCurves ?? false,
    preShared: true,
    supportedBy: (provider) => provider.legacy !== undefined && (other?.supportedBy(provider) ?? true),
    obstacle: (config, hello) => (config.preSharedKey === undefined ? noKeys : other?.obstacle(config, hello)),

    *serverParams(context) {
      const inner = other && (yield* other.serverParams(context));
      let identity: Uint8Array | undefined;
      return {
        get pskIdentity() {
          return identity;
        },
        params: hintAndParams(context, inner),
        group: inner?.group,
        *premaster(clientParams) {
          identity = clientParams.opaque16(0, longestIdentity);
          const key = yield* serverKey(context, identity);
          return yield* joined(key, inner?.premaster(clientParams), clientParams);
        },
        dispose: () => inner?.dispose(),
      };
    },

    clientParams(context, serverParams) {
      const hint = serverParams?.opaque16(0, longestHint);
      const inner = other?.clientParams(context, serverParams);
      return {
        group: inner?.group,
        *exchange() {
          const { identity, key } = yield* clientKey(context, hint);
          const exchange = inner && (yield* inner.exchange());
          return together(identity, key, exchange);
        },
      };
    },
  };
}

/** RSA beside the key: the server also proves that it holds the key of a certificate (RFC 4279 §4). */
export const rsaPsk: KeyExchange12 = {
  name: 'RSA_PSK',
  serverMessage: 'optional',
  certificateUsage: 'keyEncipherment',
  usesCurves: false,
  supportedBy: ({ legacy }) => legacy?.rsaEncrypt !== undefined,
  certificateFits: decrypts,
  unsigned: true,
  preShared: true,
  obstacle: (config) => (config.preSharedKey === undefined ? noKeys : noKeyDecrypts(config)),

  *serverParams(context) {
    let identity: Uint8Array | undefined;
    return {
      get pskIdentity() {
        return identity;
      },
      params: hintAndParams(context, undefined),
      group: undefined,
      *premaster(clientParams) {
        identity = clientParams.opaque16(0, longestIdentity);
        const key = yield* serverKey(context, identity);
        return yield* joined(key, decryptPremaster(context, clientParams), undefined);
      },
      dispose: () => undefined,
    };
  },

  clientParams(context, serverParams) {
    const hint = serverParams?.opaque16(0, longestHint);
    return {
      group: undefined,
      *exchange() {
        const { identity, key } = yield* clientKey(context, hint);
        const { encrypted, premaster } = yield* encryptPremaster(context);
        return together(identity, key, { params: new Writer().opaque16(encrypted).finish(), premaster });
      },
    };
  },
};

/** opaque psk_identity_hint<0..2^16-1>, and the other exchange's own; undefined: there is nothing to say. */
function hintAndParams({ config }: ServerContext, inner: ServerExchange | undefined): Bytes | undefined {
  const { pskIdentityHint } = config;
  if (inner?.params === undefined && pskIdentityHint === undefined) return undefined;
  const writer = new Writer().opaque16(pskIdentityHint ?? new Uint8Array(0));
  if (inner?.params !== undefined) writer.bytes(inner.params);
  return writer.finish();
}

function* serverKey({ config }: ServerContext, identity: Uint8Array): Flow<Uint8Array> {
  const { preSharedKey } = config;
  if (preSharedKey === undefined) throw new TlsError('internal', 'a suite with pre-shared keys, and there are none');
  const key: unknown = yield* callUser('preSharedKey', () => preSharedKey(identity));
  // RFC 4279 §2 lets a server go on: that a name is known is nobody's to find out. A key for TLS 1.3 is none here.
  if (key === undefined || hashOf(key) !== undefined) return config.provider.random(32);
  return checkedKey(key instanceof Uint8Array ? key : (key as Partial<SharedKey> | null)?.key);
}

function* clientKey(
  { config }: ClientContext,
  hint: Uint8Array | undefined,
): Flow<{ readonly identity: Uint8Array; readonly key: Uint8Array }> {
  const { preSharedKey } = config;
  if (preSharedKey === undefined) throw new TlsError('internal', 'a suite with pre-shared keys, and there are none');
  const given: unknown = yield* callUser('preSharedKey', () => preSharedKey(hint));
  // A key for TLS 1.3 is none here.
  const answer: unknown = Array.isArray(given) ? (given.find((one) => hashOf(one) === undefined) ?? null) : given;
  if (answer === null || hashOf(answer) !== undefined) {
    throw new TlsError('handshake_failure', 'the preSharedKey callback has no key for this server');
  }
  const { identity, key } = (answer ?? {}) as { readonly identity?: unknown; readonly key?: unknown };
  if (!(identity instanceof Uint8Array) || identity.length > longestIdentity) {
    throw new TlsError('callback_failed', 'the preSharedKey callback answered no identity of at most 256 bytes');
  }
  return { identity, key: checkedKey(key) };
}

/** The server's premaster secret, where the other exchange's half is still to be read. */
function* joined(key: Uint8Array, other: Flow<Bytes> | undefined, end: Reader | undefined): Flow<Bytes> {
  const half = other === undefined ? new Uint8Array(key.length) : yield* other;
  if (other === undefined) end?.end();
  return premasterOf(half, key);
}

function together(identity: Uint8Array, key: Uint8Array, exchange: ClientExchange | undefined): ClientExchange {
  const params = new Writer()
    .opaque16(identity)
    .bytes(exchange?.params ?? new Uint8Array(0))
    .finish();
  return {
    params,
    pskIdentity: identity,
    premaster: premasterOf(exchange?.premaster ?? new Uint8Array(key.length), key),
  };
}

/** opaque other_secret<0..2^16-1>; opaque psk<0..2^16-1>. The other half is wiped. */
function premasterOf(other: Uint8Array, key: Uint8Array): Bytes {
  const out = new Writer().opaque16(other).opaque16(key).finish();
  wipe(other);
  return out;
}
