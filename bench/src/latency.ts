/**
 * The row of latency: full handshakes at half of the rate that the contender itself reaches, measured just before. One clock for
 * all of them, and what is late counts as late. Server and client are the contender's own, each in a process of its own.
 *
 * @module
 */

import { type Child, startChild } from './children.ts';
import type { ContenderName } from './contenders.ts';
import { type Identity, makeIdentity } from './identity.ts';
import type { LatencyServices } from './latency-client.ts';
import type { Contestant, Row } from './rounds.ts';
import type { Part, ServerServices } from './server-child.ts';
import { tls13 } from './settings.ts';

export async function latencyRows(): Promise<readonly Row[]> {
  const identity = await makeIdentity('secp256r1');
  return [
    {
      name: 'TLS 1.3: the 99th percentile of a full handshake’s latency, at half of the greatest rate',
      unit: 'ms',
      better: 'less',
      reach: 1,
      contestants: (['handfast', 'node:tls', 'lemon-tls'] as const).map((name) => timed(name, identity)),
    },
  ];
}

function timed(name: ContenderName, identity: Identity): Contestant {
  const part: Part = { name, setting: tls13, identity };
  let pair:
    | { readonly server: Child<ServerServices>; readonly client: Child<LatencyServices>; port: number }
    | undefined;
  return {
    name,
    async round(milliseconds) {
      if (pair === undefined) {
        const server = startChild<ServerServices>('server-child.ts');
        const client = startChild<LatencyServices>('latency-client.ts');
        pair = { server, client, port: 0 };
        pair.port = await server.ask('listen', part);
      }
      const load = { ...part, port: pair.port, milliseconds };
      const greatest = await pair.client.ask('fastest', load);
      // Of a short round the hundredth part is nothing: so it is twice as long.
      const took = await pair.client.ask('clocked', {
        ...load,
        milliseconds: 2 * milliseconds,
        perSecond: greatest / 2,
      });
      return percentile(took, 0.99);
    },
    finish() {
      pair?.server.end();
      pair?.client.end();
    },
  };
}

function percentile(list: readonly number[], share: number): number {
  const sorted = [...list].sort((a, b) => a - b);
  return sorted[Math.ceil(sorted.length * share) - 1] ?? Number.NaN;
}
