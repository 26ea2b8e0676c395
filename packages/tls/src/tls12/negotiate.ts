/**
 * What a server before TLS 1.3 refuses in a ClientHello, and which suites there are to choose from (RFC 5246 §7.4.1, RFC 8422
 * §5.1, RFC 5746 §3.6, RFC 7627 §5.2).
 *
 * @module
 */

import type { KeyType } from '@handfast/crypto';
import type { ServerConfig } from '../config.ts';
import { TlsError } from '../errors.ts';
import type { ClientHello } from '../messages/client-hello.ts';
import { type CipherSuite, groupById, hexId, type NamedGroup } from '../registry.ts';
import type { Family } from './family.ts';
import type { Obstacle } from './key-exchange.ts';
import type { Tls12CipherSuite } from './suites.ts';

/** ECPointFormat: the one that is left (RFC 8422 §5.1.2). */
export const uncompressed = 0;

/** ClientCertificateType (RFC 5246 §7.4.4, RFC 8422 §5.5): rsa_sign and ecdsa_sign, which EdDSA shares. */
export const clientCertificateTypes: Readonly<Partial<Record<KeyType, number>>> = {
  rsa: 1,
  'rsa-pss': 1,
  secp256r1: 64,
  secp384r1: 64,
  secp521r1: 64,
  ed25519: 64,
  ed448: 64,
};

/** Those of a config's suites that a version has. */
export function suites12(suites: readonly CipherSuite[], version: number): readonly Tls12CipherSuite[] {
  return suites.filter(
    (suite) => suite.family === 'tls12' && suite.minVersion <= version,
  ) as readonly Tls12CipherSuite[];
}

/** Whether a key's curve is among those that were offered; keys on no such curve always are. */
export function curveTaken(type: KeyType, offered: readonly Pick<NamedGroup, 'exchange'>[]): boolean {
  return !type.startsWith('secp') || offered.some(({ exchange }) => exchange === type);
}

/** The curves of a hello; undefined where it says nothing of them. */
export function curvesOf({ extensions }: ClientHello): readonly NamedGroup[] | undefined {
  return extensions.supported_groups?.flatMap((id) => groupById.get(id) ?? []);
}

/** What every hello must be. */
export function checkClientHello12(
  hello: ClientHello,
  { name }: Family,
  config: ServerConfig,
  renegotiation: boolean,
): void {
  const { extensions } = hello;
  if (!hello.legacyCompressionMethods.includes(0)) {
    throw new TlsError('illegal_parameter', 'ClientHello: compression methods without null');
  }
  const formats = extensions.ec_point_formats;
  if (formats !== undefined && !formats.includes(uncompressed)) {
    throw new TlsError('illegal_parameter', 'ClientHello: ec_point_formats without uncompressed points');
  }
  if (!renegotiation && (extensions.renegotiation_info?.length ?? 0) > 0) {
    throw new TlsError('handshake_failure', 'ClientHello: renegotiation_info of another handshake, in a first one');
  }
  if (!extensions.extended_master_secret && config.requireExtendedMasterSecret) throw noExtendedMasterSecret('client');
  if (suites12(config.cipherSuites, Number.MAX_SAFE_INTEGER).length === 0) {
    throw new TlsError('internal', `no suite of ${name} in the config`);
  }
}

export function noExtendedMasterSecret(peer: 'client' | 'server'): TlsError {
  return new TlsError('handshake_failure', `the ${peer} does not know extended_master_secret, and it is required`, {
    hint: `the ${peer} must be brought to RFC 7627, or to TLS 1.3`,
  });
}

/** The suites in common, by preference, that this hello can be answered with; why not, where there is none. */
export function commonSuites(
  config: ServerConfig,
  { id, name }: Pick<Family, 'id' | 'name'>,
  hello: ClientHello,
): readonly Tls12CipherSuite[] {
  const ours = suites12(config.cipherSuites, id);
  const common = config.preferClientOrder
    ? hello.cipherSuites.flatMap((theirs) => ours.find((suite) => suite.id === theirs) ?? [])
    : ours.filter((suite) => hello.cipherSuites.includes(suite.id));
  if (common.length === 0) {
    const offered = hello.cipherSuites.slice(0, 8).map(hexId).join(', ');
    throw new TlsError('handshake_failure', `no cipher suite in common for ${name}: the client offers ${offered}`);
  }
  let first: Obstacle | undefined;
  const usable = common.filter(({ keyExchange }) => {
    const obstacle = keyExchange.obstacle(config, hello);
    first ??= obstacle;
    return obstacle === undefined;
  });
  if (usable.length > 0 || first === undefined) return usable;
  throw new TlsError(first.code, `no key exchange in common for ${name}: ${first.why}`);
}
