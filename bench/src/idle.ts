/**
 * The rows of idle connections: what each of them takes of a server's memory, as the system sees it (resident pages). The server
 * has a process of its own, which is new for each figure; its clients, the same for all, are in another.
 *
 * The figure with an aim is what is needed: pages that V8 holds for garbage to come are given back first, as it does by itself
 * when nothing happens for a while. The other one has them in it.
 *
 * @module
 */

import { startChild } from './children.ts';
import type { ContenderName } from './contenders.ts';
import { type Identity, makeIdentity } from './identity.ts';
import type { IdleServices } from './idle-clients.ts';
import type { Contestant, Row } from './rounds.ts';
import type { Part, ServerServices } from './server-child.ts';
import { tls13 } from './settings.ts';

/** Connections that come and go before the first look, so that the server's program is loaded and has run. */
const before = 100;

export async function idleRows(connections: number): Promise<readonly Row[]> {
  const identity = await makeIdentity('secp256r1');
  const all = (['handfast', 'node:tls', 'net'] as const).map((name) => idling(name, identity, connections));
  const common = { unit: 'KiB', better: 'less', coldStart: true } as const;
  const name = `TLS 1.3: a server's memory for an idle connection, ${connections} open`;
  return [
    { ...common, name, aim: 28, contestants: all.map(({ settled }) => settled) },
    {
      ...common,
      name: `${name}, with what V8 holds after their handshakes`,
      contestants: all.map(({ collected }) => collected),
    },
  ];
}

/** KiB for a connection: what is needed, and what is held. */
interface Figures {
  readonly settled: number;
  readonly collected: number;
}

/** A contestant of each row. The second row has the figures that the first one's rounds have found. */
function idling(
  name: ContenderName,
  identity: Identity,
  connections: number,
): { readonly settled: Contestant; readonly collected: Contestant } {
  const part: Part = { name, setting: tls13, identity };
  const found: Figures[] = [];
  const shown = name === 'net' ? 'net, no TLS' : name;
  return {
    settled: {
      name: shown,
      async round() {
        const figures = await measured(part, connections);
        found.push(figures);
        return figures.settled;
      },
    },
    collected: {
      name: shown,
      round: async () => (found.shift() ?? (await measured(part, connections))).collected,
    },
  };
}

async function measured(part: Part, connections: number): Promise<Figures> {
  const clients: Part = { ...part, name: part.name === 'net' ? 'net' : 'node:tls' };
  const server = startChild<ServerServices>('server-child.ts', ['--expose-gc']);
  const client = startChild<IdleServices>('idle-clients.ts');
  try {
    const port = await server.ask('listen', part);
    await client.ask('open', { ...clients, port, count: before });
    await client.ask('close', undefined);
    const empty = await server.ask('memory', undefined);
    await client.ask('open', { ...clients, port, count: connections });
    const full = await server.ask('memory', undefined);
    if (empty.connections !== 0 || full.connections !== connections)
      throw new Error(`${empty.connections} and then ${full.connections} connections stood, not ${connections}`);
    const each = (bytes: number): number => (bytes - empty.settled) / connections / 1024;
    return { settled: each(full.settled), collected: each(full.collected) };
  } finally {
    server.end();
    client.end();
  }
}
