/**
 * Static ECDH (RFC 8422 §2, once RFC 4492 §2.1 and §2.3): the server's certificate holds the point, and the client sends one of
 * its own. No forward secrecy; and who has the server's key can play any client to that server.
 *
 * @module
 */

import { settle } from '@handfast/crypto';
import { badShare } from '../checks.ts';
import type { ServerConfig } from '../config.ts';
import type { Credential } from '../credentials.ts';
import { TlsError } from '../errors.ts';
import { exchangeOf } from '../flow.ts';
import { Writer } from '../messages/writer.ts';
import { type NamedGroup, namedGroups } from '../registry.ts';
import type { KeyExchange12, Obstacle } from '../tls12/key-exchange.ts';

export const staticEcdh: KeyExchange12 = {
  name: 'ECDH',
  serverMessage: 'never',
  certificateUsage: 'keyAgreement',
  usesCurves: true,
  supportedBy: ({ legacy }) => legacy !== undefined,
  certificateFits: agrees,
  obstacle: noKeyAgrees,

  *serverParams({ credential }) {
    const agree = credential?.legacyKey?.agree;
    const group = curveOf(credential?.signer.publicKey.type);
    if (agree === undefined || group === undefined) {
      throw new TlsError('internal', 'a certificate was chosen whose key agrees on nothing');
    }
    return {
      params: undefined,
      group,
      *premaster(clientParams) {
        const point = clientParams.opaque8(1);
        clientParams.end();
        try {
          return yield* settle(agree(point));
        } catch (error) {
          throw badShare(error, 'ClientKeyExchange', group);
        }
      },
      dispose: () => undefined,
    };
  },

  clientParams({ config, serverKey }) {
    const group = curveOf(serverKey?.type);
    if (serverKey === undefined || group === undefined) {
      throw new TlsError('internal', 'static ECDH without a point in the certificate');
    }
    return {
      group,
      *exchange() {
        try {
          const { share, secret } = yield* settle(exchangeOf(config.provider, group).encapsulate(serverKey.raw));
          return { params: new Writer().opaque8(share).finish(), premaster: secret };
        } catch (error) {
          throw badShare(error, 'Certificate', group);
        }
      },
    };
  },
};

function curveOf(type: string | undefined): NamedGroup | undefined {
  return namedGroups.find(({ exchange }) => exchange === type);
}

function agrees({ legacyKey }: Credential): boolean {
  return legacyKey?.agree !== undefined;
}

function noKeyAgrees({ credentials, selectCredential }: ServerConfig): Obstacle | undefined {
  if (selectCredential !== undefined || credentials.some(agrees)) return undefined;
  return { why: 'no credential has a legacyKey on a curve, by which static ECDH agrees', code: 'handshake_failure' };
}
