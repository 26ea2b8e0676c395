/**
 * `node --import @handfast/tls/register-legacy app.js`: as `@handfast/tls/register`, and what Node's own TLS still has for old
 * peers is there as it is there: TLS 1.1 and TLS 1.0 for a program that lowers `minVersion`, and the suites that OpenSSL's words in
 * `ciphers` name, which by default (`tls.DEFAULT_CIPHERS`) are CBC's and those without forward secrecy as well. SSL 3.0 is not among
 * it, as in Node.
 *
 * Where a program names `cipherSuites`, `versions`, a `provider` or a context made by `createSecureContext`, those count.
 *
 * @module
 */

import tls from 'node:tls';
import { nodeLegacyProvider } from '@handfast/crypto/legacy/node';
import { tls12, tls13 } from '../index.ts';
import { legacyCipherSuites, tls10, tls11 } from '../legacy/index.ts';
import { replaceBuiltIn } from './built-in.ts';
import * as ours from './index.ts';
import { streamerOfProcess } from './live/streamer.ts';
import type { ContextOptions } from './secure-context.ts';
import { watchConnections } from './watcher.ts';

/** With suites for OpenSSL's words to name; which of them are used is said by those words. */
const knowing = { ...tls12, defaultCipherSuites: [...tls12.defaultCipherSuites, ...legacyCipherSuites] };

type Given = ContextOptions & { readonly secureContext?: unknown };

function withLegacy(given: Given): Given {
  if (given.secureContext || given.versions) return given;
  const { secureProtocol, minVersion, maxVersion } = given;
  return {
    provider: nodeLegacyProvider,
    ...given,
    versions: [tls13, knowing, tls11, tls10],
    ...(!given.cipherSuites && { ciphers: given.ciphers ?? tls.DEFAULT_CIPHERS }),
    // Said, since versions that are named are all spoken otherwise.
    ...(!secureProtocol && {
      minVersion: minVersion ?? tls.DEFAULT_MIN_VERSION,
      maxVersion: maxVersion ?? tls.DEFAULT_MAX_VERSION,
    }),
  };
}

/** The arguments of a function of `node:tls`'s, with what is old in its options; where it has none, it is given some. */
function opened(args: readonly unknown[], place: number): readonly unknown[] {
  const at = args.findIndex((one, index) => index >= place && typeof one === 'object' && one !== null);
  if (at >= 0) return args.with(at, withLegacy(args[at] as Given));
  // Ahead of a listener.
  const end = args.findIndex((one) => typeof one === 'function');
  return args.toSpliced(end < 0 ? args.length : end, 0, withLegacy({}));
}

/** The same function or class, prototype and all. */
function knowingOld<F extends (new (...args: never) => object) | ((...args: never) => unknown)>(
  target: F,
  place = 0,
): F {
  return new Proxy(target, {
    apply: (one, self, args) => Reflect.apply(one as () => unknown, self, opened(args, place)),
    construct: (one, args, made) => Reflect.construct(one as () => unknown, opened(args, place), made),
  });
}

replaceBuiltIn({
  ...ours,
  connect: knowingOld(ours.connect),
  createServer: knowingOld(ours.createServer),
  Server: knowingOld(ours.Server),
  createSecureContext: knowingOld(ours.createSecureContext),
  SecureContext: knowingOld(ours.SecureContext),
  // Behind the stream.
  TLSSocket: knowingOld(ours.TLSSocket, 1),
});
watchConnections(streamerOfProcess().watch);
