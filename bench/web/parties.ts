/**
 * Both ends' options.
 *
 * @module
 */

import { webCryptography } from '@handfast/crypto/web';
import {
  memorySessionCache,
  namedGroups,
  type SessionTickets,
  TLS_AES_128_GCM_SHA256,
  ticketKeys,
  tls13Client,
  tls13Server,
} from '@handfast/tls';
import type { AcceptOptions, ConnectOptions } from '@handfast/tls/web';
import { trustStore } from '@handfast/x509';
import { serverCredential } from '../../runtime-tests/suite/identities.ts';

/** Of a handshake; resumed ones make a new key by X25519MLKEM768 as well. */
export type Kind = 'X25519MLKEM768' | 'X25519' | 'resumed';

const cipherSuites = [TLS_AES_128_GCM_SHA256];
const groupsOf = (kind: Kind): typeof namedGroups =>
  namedGroups.filter(({ name }) => name.toLowerCase() === (kind === 'resumed' ? 'X25519MLKEM768' : kind).toLowerCase());

/** @param ca the root, PEM */
export function clientOptions(ca: string, kind: Kind): ConnectOptions {
  const sessions = kind === 'resumed' ? { sessions: memorySessionCache() } : {};
  return {
    ...{ serverName: 'localhost', trust: trustStore(ca), versions: [tls13Client] },
    ...{ cipherSuites, groups: groupsOf(kind), ...sessions },
  };
}

let tickets: SessionTickets | undefined;

export async function serverOptions(
  provider: Parameters<typeof serverCredential>[0],
  kind: Kind,
): Promise<AcceptOptions> {
  const credentials = [await serverCredential(provider)];
  tickets ??= { keys: ticketKeys({ provider: webCryptography }) };
  return {
    ...{ credentials, versions: [tls13Server], cipherSuites, groups: groupsOf(kind) },
    ...(kind === 'resumed' && { tickets }),
  };
}
