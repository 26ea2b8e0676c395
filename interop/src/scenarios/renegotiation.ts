/**
 * Peers that want another handshake within a connection of TLS 1.2. We answer no_renegotiation, a warning (RFC 5746 §4.5),
 * and leave the connection standing; what becomes of it is the peer's choice. OpenSSL ends it. gnutls-cli asks again at
 * once, until we have enough. gnutls-serv goes on for a moment.
 *
 * @module
 */

import { once } from 'node:events';
import type { TLSSocket } from '@handfast/tls/node';
import { type Case, type Direction, versionId } from '../cases.ts';
import type { Certificates, Family } from '../certificates.ts';
import { hello, Reader } from '../conversation.ts';
import { endOf, ourClient, ourServer, type Witness } from '../handfast.ts';
import { gnutls, gnutlsCli } from '../peers/gnutls.ts';
import { oneConnection, openssl, quietClient, sClient, sServer } from '../peers/openssl.ts';
import type { ClientTask, Peer } from '../peers/peer.ts';
import { type Command, listeningPort } from '../processes.ts';
import { agree, type Cleanups, failsWith, type Job } from '../run.ts';

interface Scenario {
  readonly peer: Peer;
  readonly direction: Direction;
  readonly id: string;
  readonly run: (row: Case, family: Family, cleanups: Cleanups) => Promise<void>;
}

const scenarios: readonly Scenario[] = [
  {
    peer: openssl,
    direction: 'client',
    id: 'asks to renegotiate, is refused, and gives up',
    run: async (row, family, cleanups) => {
      const start = (task: ClientTask): Command => sClient(task, quietClient);
      const { socket, witness, command } = await asked(row, family, cleanups, start, 'R\n');
      await failsWith(endOf(socket), { origin: 'peer', alert: 'handshake_failure' });
      agreeOnAlerts(witness, ['out no_renegotiation', 'in handshake_failure']);
      await command.exit;
    },
  },
  {
    peer: openssl,
    direction: 'server',
    id: 'asks to renegotiate, is refused, and gives up',
    run: async (row, family, cleanups) => {
      const command = sServer({ row, family, serverIdentity: family.server, versions: [row.version] }, oneConnection);
      cleanups.add(() => command.kill());
      command.child.stdout.resume();
      const { socket, witness } = await ourClient(row, family, await listeningPort(command));
      cleanups.add(() => socket.destroy());
      socket.write(hello);
      await once(command.child.stdout, 'data');
      command.child.stdin.write('r\n');
      await failsWith(endOf(socket), { origin: 'peer', alert: 'handshake_failure' });
      agreeOnAlerts(witness, ['out no_renegotiation', 'in handshake_failure']);
    },
  },
  {
    peer: gnutls,
    direction: 'client',
    id: 'asks to renegotiate without end, and is stopped',
    run: async (row, family, cleanups) => {
      const start = (task: ClientTask): Command => gnutlsCli(task, '/dev/null');
      const { socket, witness, command } = await asked(row, family, cleanups, start, '^renegotiate^\n');
      await failsWith(endOf(socket), { origin: 'local', tlsCode: 'too_many_alerts' });
      agreeOnAlerts(witness, [...Array<string>(4).fill('out no_renegotiation'), 'out unexpected_message']);
      await command.exit;
    },
  },
  {
    peer: gnutls,
    direction: 'server',
    id: 'asks to renegotiate, is refused, and its data still comes',
    run: async (row, family, cleanups) => {
      const task = { row, family, serverIdentity: family.server, versions: [row.version] };
      const run = await gnutls.server?.start(task);
      if (run === undefined) throw new Error('it is no server');
      cleanups.add(() => run.stop());
      const { socket, witness } = await ourClient(row, family, run.port);
      cleanups.add(() => socket.destroy());
      const reader = new Reader(socket);
      socket.write('**REHANDSHAKE**\n');
      await reader.expect('Successfully executed command\n', 'its answer after its HelloRequest');
      agreeOnAlerts(witness, ['out no_renegotiation']);
    },
  },
];

export function renegotiationJobs(
  peer: Peer,
  direction: Direction,
  plain: readonly Case[],
  certificates: Certificates,
): readonly Job[] {
  const row = plain.find(({ version }) => version === 'TLS 1.2');
  if (row === undefined) return [];
  return scenarios
    .filter((one) => one.peer === peer && one.direction === direction)
    .map(({ id, run }) => ({
      peer,
      direction,
      version: row.version,
      id: `${versionId(row)}+${id}`,
      row: undefined,
      run: async (cleanups: Cleanups) => run(row, await certificates.family(row.scheme), cleanups),
    }));
}

/** A client of the peer's that has spoken with our server, and then was told to renegotiate. */
async function asked(
  row: Case,
  family: Family,
  cleanups: Cleanups,
  start: (task: ClientTask) => Command,
  order: string,
): Promise<{ readonly socket: TLSSocket; readonly witness: Witness; readonly command: Command }> {
  const server = await ourServer(row, family);
  cleanups.add(() => server.close());
  const task = { row, family, serverIdentity: family.server, versions: [row.version], port: server.port };
  const command = start(task);
  cleanups.add(() => command.kill());
  const socket = await server.connection;
  socket.on('data', (chunk: Buffer) => socket.write(chunk));
  const duplex = command.duplex();
  duplex.write(hello);
  await new Reader(duplex).expect(hello, 'the echo');
  duplex.write(order);
  return { socket, witness: server.witness, command };
}

function agreeOnAlerts({ alerts }: Witness, expected: readonly string[]): void {
  const found = alerts.join(', ');
  agree(found === expected.join(', ') ? [] : [`alerts: ${found}, not ${expected.join(', ')}`]);
}
