/**
 * The row of HTTPS: requests over connections that stay, server and client in processes of their own, both the contender's.
 *
 * @module
 */

import { type Child, startChild } from './children.ts';
import type { HttpClientServices } from './https-client.ts';
import type { HttpPart, HttpServerServices } from './https-server.ts';
import { type Identity, makeIdentity } from './identity.ts';
import type { Contestant, Row } from './rounds.ts';
import { tls13 } from './settings.ts';

const connections = 64;

/** `node:https` of a program that is started so speaks our TLS. */
const registered = ['--import', import.meta.resolve('@handfast/tls/register')];

export async function httpsRows(): Promise<readonly Row[]> {
  const identity = await makeIdentity('secp256r1');
  const http = (name: string, stack: HttpPart['stack'], note?: string, flags: readonly string[] = []): Contestant =>
    requesting({ name, stack, identity, flags, ...(note !== undefined && { note }) });
  return [
    {
      name: `HTTPS over TLS 1.3: requests, ${connections} connections that stay, both ends in processes of their own`,
      unit: '/s',
      better: 'more',
      reach: 1.1,
      contestants: [
        http('handfast', 'node:https', 'node:https with @handfast/tls/register', registered),
        http('node:https', 'node:https'),
        http('handfast, createHttpsServer', 'createHttpsServer', 'and an agent that has our connect'),
        http('node:http, no TLS', 'node:http', 'what HTTP alone takes'),
      ],
    },
  ];
}

interface Side {
  readonly name: string;
  readonly note?: string;
  readonly stack: HttpPart['stack'];
  readonly identity: Identity;
  readonly flags: readonly string[];
}

function requesting({ name, note, stack, identity, flags }: Side): Contestant {
  const part: HttpPart = { stack, setting: tls13, identity };
  let pair: { server: Child<HttpServerServices>; client: Child<HttpClientServices>; port: number } | undefined;
  return {
    name,
    ...(note !== undefined && { note }),
    async round(milliseconds) {
      if (pair === undefined) {
        const server = startChild<HttpServerServices>('https-server.ts', flags);
        const client = startChild<HttpClientServices>('https-client.ts', flags);
        pair = { server, client, port: 0 };
        pair.port = await server.ask('listen', part);
      }
      const isOurs = stack === 'createHttpsServer' || flags === registered;
      return await pair.client.ask('run', { ...part, port: pair.port, isOurs, connections, milliseconds });
    },
    finish() {
      pair?.server.end();
      pair?.client.end();
    },
  };
}
