/**
 * Downgrades, set and seen: the end of a server's random that says which version it could have had (RFC 9846 §4.2.3), and
 * the signal of a client that tries again with less (RFC 7507).
 *
 * @module
 */

import { type Bytes, equalBytes, fromHex } from '@handfast/crypto';
import type { ClientConfig, ServerConfig } from './config.ts';
import { TlsError } from './errors.ts';
import { bestVersion } from './hello.ts';
import type { ClientHello } from './messages/client-hello.ts';
import type { LegacyServerHello } from './messages/server-hello.ts';
import { scsv, TLS12, TLS13, versionName } from './registry.ts';

/** `DOWNGRD` and 1: a server of TLS 1.3 chose TLS 1.2. `DOWNGRD` and 0: a server of TLS 1.2 or later chose less. */
const sentinels = {
  to12: /* @__PURE__ */ fromHex('444F574E47524401'),
  below: /* @__PURE__ */ fromHex('444F574E47524400'),
} as const;

/** A server's random, marked where its config knows better versions than `chosen`. */
export function serverRandom({ provider, versions }: ServerConfig, chosen: number): Bytes {
  const random = provider.random(32);
  const best = bestVersion({ versions });
  if (best >= TLS13 && chosen === TLS12) random.set(sentinels.to12, 24);
  else if (best >= TLS12 && chosen < TLS12) random.set(sentinels.below, 24);
  return random;
}

/** Refuses a version that the server was made to choose. */
export function checkDowngrade({ random, legacyVersion }: LegacyServerHello, config: ClientConfig): void {
  const best = bestVersion(config);
  const end = random.subarray(24);
  // RFC 9846 §4.2.3: a client of TLS 1.3 looks for either; one of TLS 1.2 for the second, where it got less.
  const wasMade =
    (best >= TLS13 && equalBytes(end, sentinels.to12)) ||
    ((best >= TLS13 || (best >= TLS12 && legacyVersion < TLS12)) && equalBytes(end, sentinels.below));
  if (!wasMade) return;
  const [could, chosen] = [versionName(best), versionName(legacyVersion)];
  throw new TlsError('illegal_parameter', `ServerHello: a server that knows ${could} was made to choose ${chosen}`, {
    hint: 'the hello was changed on its way: somebody in between downgrades connections',
  });
}

/** A server that chose a version which we do not offer. */
export function refuseVersion(hello: LegacyServerHello, config: ClientConfig): TlsError {
  try {
    checkDowngrade(hello, config);
  } catch (error) {
    if (error instanceof TlsError) return error;
    throw error;
  }
  const { versions } = config;
  const ours = versions.map(({ name }) => name).join(', ');
  return new TlsError(
    'protocol_version',
    `the server chose ${versionName(hello.legacyVersion)}, and we offer ${ours}${versions.length === 1 ? ' alone' : ''}`,
    { hint: `the server must be brought to ${versionName(bestVersion(config))}` },
  );
}

/** RFC 7507 §3: a client that tries again with less than we both know has been misled. */
export function checkFallback(hello: ClientHello, best: number, chosen: number): void {
  if (!hello.cipherSuites.includes(scsv.fallback) || best <= chosen) return;
  throw new TlsError(
    'inappropriate_fallback',
    `the client fell back to ${versionName(chosen)}, and we speak ${versionName(best)}`,
    { hint: 'an earlier attempt failed on its way: somebody in between may want a weaker version' },
  );
}
