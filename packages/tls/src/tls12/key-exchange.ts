/**
 * Key exchanges of TLS 1.2 and before, as rows: what the server sends, what the client sends, and the premaster secret
 * that both then have (RFC 5246 §7.4.3, §7.4.7, RFC 8422 §5.4). ECDHE is here; the others are reached through `legacy/`.
 *
 * @module
 */

import { type Bytes, type Cryptography, type PublicKeyInfo, settle } from '@handfast/crypto';
import type { KeyUsage } from '@handfast/x509';
import { badShare } from '../checks.ts';
import type { ClientConfig, ServerConfig } from '../config.ts';
import type { Credential } from '../credentials.ts';
import { TlsError } from '../errors.ts';
import { exchangeOf, type Flow } from '../flow.ts';
import type { ClientHello } from '../messages/client-hello.ts';
import type { Reader } from '../messages/reader.ts';
import { Writer } from '../messages/writer.ts';
import { groupById, type NamedGroup, nameIn } from '../registry.ts';

/** What a server's half of an exchange is made from. */
export interface ServerContext {
  readonly config: ServerConfig;
  readonly hello: ClientHello;
  /** Undefined where the suite sends no certificate. */
  readonly credential: Credential | undefined;
  /** The wire number of the version that was chosen. */
  readonly version: number;
}

export interface ServerExchange {
  /** The parameters of ServerKeyExchange; undefined: the message is not sent. */
  readonly params: Bytes | undefined;
  readonly group: NamedGroup | undefined;
  /** The name of the client's key, where it gave one: known after `premaster`. */
  readonly pskIdentity?: Uint8Array | undefined;
  /** The premaster secret, from the body of ClientKeyExchange: the caller's to wipe. */
  readonly premaster: (clientParams: Reader) => Flow<Bytes>;
  /** Forgets the key. */
  readonly dispose: () => void;
}

export interface ClientContext {
  readonly config: ClientConfig;
  /** The highest version that the hello offered. */
  readonly offeredVersion: number;
  /** The wire number of the version that was chosen. */
  readonly version: number;
  /** The key in the server's certificate; undefined where the suite has none. */
  readonly serverKey: PublicKeyInfo | undefined;
}

export interface ClientExchange {
  /** The body of ClientKeyExchange. */
  readonly params: Bytes;
  /** The caller's to wipe. */
  readonly premaster: Bytes;
  /** The name of our key, where we gave one. */
  readonly pskIdentity?: Uint8Array;
}

/** The server's parameters as the client has read them. */
export interface ReadParams {
  readonly group: NamedGroup | undefined;
  /** Made when the parameters have been found to be the server's. */
  readonly exchange: () => Flow<ClientExchange>;
}

/** Why an exchange that both sides know cannot be used, and what is said where no other is left. */
export interface Obstacle {
  readonly why: string;
  readonly code: 'handshake_failure' | 'insufficient_security';
}

export interface KeyExchange12 {
  readonly name: string;
  /** Whether the server sends ServerKeyExchange. */
  readonly serverMessage: 'always' | 'never' | 'optional';
  /** What the key of the server's certificate is used for. */
  readonly certificateUsage: KeyUsage;
  /** Whether the curves of supported_groups are what it runs over. */
  readonly usesCurves: boolean;
  readonly supportedBy: (provider: Cryptography) => boolean;
  /** Server: whether a credential can be used for it; absent: one that signs. */
  readonly certificateFits?: (credential: Credential) => boolean;
  /** Whether it takes a key that both sides were given beforehand. */
  readonly preShared?: boolean;
  /** Whether ServerKeyExchange stands unsigned though there is a certificate. */
  readonly unsigned?: boolean;
  /** Server: why this client cannot be answered so; undefined: it can. */
  readonly obstacle: (config: ServerConfig, hello: ClientHello) => Obstacle | undefined;
  readonly serverParams: (context: ServerContext) => Flow<ServerExchange>;
  /** Client: reads the parameters, up to their signature; undefined: no ServerKeyExchange came. */
  readonly clientParams: (context: ClientContext, serverParams: Reader | undefined) => ReadParams;
}

/** ECCurveType (RFC 8422 §5.4): curves spelled out in numbers are refused. */
const namedCurve = 3;

/** Elliptic curves among the groups: hybrids are TLS 1.3's, finite fields another exchange's. */
export function curvesIn(groups: readonly NamedGroup[]): readonly NamedGroup[] {
  return groups.filter(({ postQuantum, exchange }) => !postQuantum && !exchange.startsWith('ffdhe'));
}

export const ecdhe: KeyExchange12 = {
  name: 'ECDHE',
  serverMessage: 'always',
  certificateUsage: 'digitalSignature',
  usesCurves: true,
  supportedBy: () => true,

  obstacle(config, hello) {
    return chooseCurve(config, hello) === undefined
      ? { why: 'no curve in common', code: 'handshake_failure' }
      : undefined;
  },

  *serverParams({ config, hello }) {
    const group = chooseCurve(config, hello);
    if (group === undefined) throw new TlsError('handshake_failure', 'no curve in common');
    const key = yield* settle(exchangeOf(config.provider, group).generate());
    return {
      params: new Writer().u8(namedCurve).u16(group.id).opaque8(key.share).finish(),
      group,
      *premaster(clientParams) {
        const point = clientParams.opaque8(1);
        clientParams.end();
        try {
          return yield* settle(key.agree(point));
        } catch (error) {
          throw badShare(error, 'ClientKeyExchange', group);
        }
      },
      dispose: () => key.dispose(),
    };
  },

  clientParams({ config }, serverParams) {
    if (serverParams === undefined) throw new TlsError('unexpected_message', 'ServerKeyExchange is missing');
    if (serverParams.u8() !== namedCurve) {
      throw new TlsError('illegal_parameter', 'ServerKeyExchange: a curve that has no name');
    }
    const id = serverParams.u16();
    const group = curvesIn(config.groups).find((curve) => curve.id === id);
    if (group === undefined) {
      const name = nameIn(groupById, id);
      throw new TlsError('illegal_parameter', `ServerKeyExchange: the curve ${name}, which we did not offer`);
    }
    const point = serverParams.opaque8(1);
    return {
      group,
      *exchange() {
        try {
          const { share, secret } = yield* settle(exchangeOf(config.provider, group).encapsulate(point));
          return { params: new Writer().opaque8(share).finish(), premaster: secret };
        } catch (error) {
          throw badShare(error, 'ServerKeyExchange', group);
        }
      },
    };
  },
};

/** Without supported_groups the client takes any curve (RFC 8422 §5.1.1): the oldest is what it will know. */
function chooseCurve({ groups, preferClientOrder }: ServerConfig, { extensions }: ClientHello): NamedGroup | undefined {
  const ours = curvesIn(groups);
  const theirs = extensions.supported_groups;
  if (theirs === undefined) return ours.find(({ exchange }) => exchange === 'secp256r1') ?? ours[0];
  if (!preferClientOrder) return ours.find(({ id }) => theirs.includes(id));
  return theirs.flatMap((id) => ours.find((curve) => curve.id === id) ?? [])[0];
}
