/**
 * `node:cluster` on one machine, without Redis: the workers share a ring in a file.
 *
 * @module
 */

import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Clients } from './clients.ts';
import { run } from './load.ts';
import type { Pki } from './pki.ts';
import type { FromServer, ToServer } from './protocol.ts';
import { atLeast, exactly, type Row } from './report.ts';
import { serverFile } from './servers.ts';

const workers = 4;

export async function clusterRows(pki: Pki): Promise<readonly Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'handfast-cluster-'));
  cluster.setupPrimary({ exec: serverFile, execArgv: process.execArgv });
  const { certificate, key } = pki;
  const shared = { by: 'file', path: join(folder, 'ticket-keys.json') } as const;
  const started: Worker[] = [];
  const told = new Set<string>();
  process.on('exit', () => {
    for (const worker of started) worker.process.kill('SIGKILL');
  });
  try {
    const ports = await Promise.all(
      Array.from({ length: workers }, async (_, index) => {
        const worker = cluster.fork();
        started.push(worker);
        await once(worker, 'online');
        const setup = {
          type: 'setup',
          index,
          certificate,
          key,
          shared,
          rotateEvery: 3_600_000,
          opensFor: 3_600_000,
        } as const;
        worker.send(setup satisfies ToServer);
        worker.on('message', (message: FromServer) => {
          if (message.type === 'told') told.add(message.words);
        });
        const [message] = (await once(worker, 'message')) as [FromServer];
        return message.type === 'listening' ? message.port : 0;
      }),
    );
    const [port = 0] = ports;
    const clients = new Clients(pki, { 'TLS 1.3 tickets': 30, 'TLS 1.2 tickets': 10, 'TLS 1.2 identifiers': 0 });
    await run(clients.all, port, { connections: clients.all.length, within: 0 });
    const outcome = await run(clients.all, port, { connections: 500, within: 0 });
    const { connections, resumed, elsewhere, failed } = outcome.all;
    return [
      atLeast(0.99, 'node:cluster without Redis, a ring in a file: resumed', resumed, connections, [
        ...outcome.words,
        ...told,
      ]),
      atLeast(0.5, 'node:cluster: resumed at another worker than before', elsewhere, connections),
      exactly(0, 'node:cluster: failed connections', failed, outcome.words),
    ];
  } finally {
    await Promise.all(
      started.map(async (worker) => {
        const ended = once(worker, 'exit');
        worker.process.kill('SIGKILL');
        await ended;
      }),
    );
    rmSync(folder, { recursive: true, force: true });
  }
}
