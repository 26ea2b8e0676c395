/**
 * What `node:tls` tells of a connection, from what the engine knows of it.
 *
 * @module
 */

import { type Credential, isFor } from '../credentials.ts';
import type { Negotiated } from '../flow.ts';
import type { ClientHello } from '../messages/client-hello.ts';
import { schemeById } from '../registry.ts';
import type { TraceEvent } from '../trace.ts';

/** The key exchange, as a client's `getEphemeralKeyInfo()` has it; a hybrid group by its name; empty without one. */
export interface EphemeralKeyInfo {
  readonly type?: 'DH' | 'ECDH' | 'TLSGroup';
  readonly name?: string;
  /** Bits. */
  readonly size?: number;
}

/** OpenSSL's names and sizes of groups. */
const keyInfos: ReadonlyMap<string, EphemeralKeyInfo> = new Map<string, EphemeralKeyInfo>([
  ['secp256r1', { type: 'ECDH', name: 'prime256v1', size: 256 }],
  ['secp384r1', { type: 'ECDH', name: 'secp384r1', size: 384 }],
  ['secp521r1', { type: 'ECDH', name: 'secp521r1', size: 521 }],
  ['x25519', { type: 'ECDH', name: 'X25519', size: 253 }],
  ['x448', { type: 'ECDH', name: 'X448', size: 448 }],
  ...[2048, 3072, 4096, 6144, 8192].map((size) => [`ffdhe${size}`, { type: 'DH', size }] as [string, EphemeralKeyInfo]),
]);

export function ephemeralKeyInfo({ group }: Negotiated): EphemeralKeyInfo {
  if (group === undefined) return {};
  return { ...(keyInfos.get(group.name) ?? { type: 'TLSGroup', name: group.name }) };
}

/** OpenSSL's names of what a scheme signs with, by what IANA's begin with. */
const algorithms: readonly (readonly [RegExp, string])[] = [
  [/^rsa_pss_(rsae|pss)_/, 'RSA-PSS'],
  [/^rsa_/, 'RSA'],
  [/^ecdsa_/, 'ECDSA'],
];

/** Signature schemes that both have, in the client's order: `ECDSA+SHA256`, `Ed25519`. */
export function sharedSigalgs(hello: ClientHello | undefined, ours: ReadonlySet<number>): string[] {
  return (hello?.extensions.signature_algorithms ?? []).flatMap((id) => {
    const scheme = ours.has(id) ? schemeById.get(id) : undefined;
    if (scheme === undefined) return [];
    const algorithm = algorithms.find(([pattern]) => pattern.test(scheme.name))?.[1];
    const hash = /sha\d+$/.exec(scheme.name)?.[0].toUpperCase();
    if (algorithm !== undefined && hash !== undefined) return [`${algorithm}+${hash}`];
    return [scheme.name.replace(/^ed/, 'Ed')];
  });
}

/** The certificate that we showed; where none was (a session went on), the one that we should have. */
export function ownCredential(
  credentials: readonly Credential[],
  { signatureScheme, serverName }: Negotiated,
): Credential | undefined {
  const able = credentials.filter(
    ({ signer }) => signatureScheme === undefined || signer.algorithms.some((one) => one === signatureScheme.algorithm),
  );
  return able.find((one) => isFor(one, serverName)) ?? able[0];
}

/** A line for `enableTrace()`; undefined for what would only repeat another. */
export function traceLine(event: TraceEvent): string | undefined {
  const what = wordsOf(event);
  return what === undefined ? undefined : `TLS ${event.role}: ${what}\n`;
}

function wordsOf(event: TraceEvent): string | undefined {
  switch (event.type) {
    case 'record':
    case 'wire':
    case 'data':
    case 'work':
      return undefined;
    case 'message':
      return `${event.direction === 'out' ? 'sent' : 'received'} ${event.message.type}, ${event.message.raw.length} bytes`;
    case 'alert':
      return `${event.direction === 'out' ? 'sent' : 'received'} alert ${event.alert}`;
    case 'state':
      return `waits in ${event.state}`;
    case 'key':
      return `${event.level} keys ${event.direction === 'out' ? 'for writing' : 'for reading'}`;
    case 'session':
      return `session ${event.action}${'why' in event ? `: ${event.why}` : ''}`;
    case 'early_data':
      return event.accepted ? 'early data accepted' : `early data refused: ${event.why}`;
    case 'certificate':
      return event.peer.error ? `certificate not verified: ${event.peer.error.message}` : 'certificate verified';
    case 'established':
      return `${event.negotiated.version} with ${event.negotiated.cipherSuite.name}`;
    case 'closed':
      return event.error ? `ended: ${event.error.message}` : 'ended';
  }
}
