/**
 * A server process: one of the four behind the balancer, or a worker of `node:cluster`. It says which it is, and whether the
 * client's session was resumed.
 *
 * @module
 */

import { nodeProvider as provider } from '@handfast/crypto/node';
import { type ReplayCache, type SessionTickets, type TraceEvent, ticketKeys } from '@handfast/tls';
import { createServer, fileKeyRing } from '@handfast/tls/node';
import { redisConnection, redisKeyRing, redisReplayCache, redisSessionStore } from '@handfast/tls/redis';
import type { FromServer, Setup, ToServer } from './protocol.ts';

interface Shared {
  readonly tickets: SessionTickets;
  readonly replay: ReplayCache | undefined;
  readonly close: () => Promise<void>;
}

async function share({ shared, rotateEvery, opensFor }: Setup): Promise<Shared> {
  const rotation = { rotateEvery, opensFor };
  if (shared.by === 'file') {
    const ring = fileKeyRing({ path: shared.path, ...rotation });
    await ring.keys(Date.now());
    return {
      tickets: { keys: ticketKeys({ provider, ring, onError }) },
      replay: undefined,
      close: async () => ring.dispose(),
    };
  }
  const connection = await redisConnection({
    url: shared.url,
    secret: Buffer.from(shared.secret, 'base64'),
    provider,
    timeout: 1000,
    onError,
  });
  const ring = redisKeyRing({ connection, ...rotation });
  // Its keys are there before the first client is.
  await ring.keys(Date.now());
  return {
    tickets: {
      keys: ticketKeys({ provider, ring, onError }),
      store: redisSessionStore({ connection }),
      lifetime: opensFor / 1000,
    },
    replay: await redisReplayCache({ connection, window: shared.window }),
    async close() {
      ring.dispose();
      connection.close();
    },
  };
}

let decisions: Record<string, number> = {};

function count(event: TraceEvent): void {
  if (event.type !== 'early_data') return;
  const decision = event.accepted ? 'accepted' : event.why;
  decisions[decision] = (decisions[decision] ?? 0) + 1;
}

async function serve(setup: Setup): Promise<void> {
  const { tickets, replay, close } = await share(setup);
  const server = createServer(
    {
      cert: Buffer.from(setup.certificate, 'base64'),
      key: Buffer.from(setup.key, 'base64'),
      tickets,
      ...(replay && { earlyData: { replay } }),
      trace: count,
    },
    (socket) => {
      socket.on('error', () => {});
      // An answer to a request: one that came at once could overtake the ticket, whose key may have to be fetched.
      socket.once('data', () =>
        socket.end(`${setup.index} ${socket.negotiated?.resumed === true ? 'resumed' : 'full'}`),
      );
    },
  );
  process.on('message', async (message: ToServer) => {
    if (message.type === 'stop') {
      server.close();
      await close();
      process.disconnect();
    } else if (message.type === 'early') {
      say({ type: 'early', call: message.call, decisions });
      decisions = {};
    } else if (message.type === 'claim') {
      const claims = message.keys.map((key) => replay?.claim(Buffer.from(key, 'base64'), Date.now()) ?? false);
      say({ type: 'claimed', call: message.call, taken: await Promise.all(claims) });
    }
  });
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    if (address !== null && typeof address !== 'string') say({ type: 'listening', port: address.port });
  });
}

function onError(error: unknown): void {
  say({ type: 'told', words: String(error) });
}

function say(message: FromServer): void {
  if (process.connected) process.send?.(message);
}

process.on('unhandledRejection', (reason) => say({ type: 'unhandled', words: String(reason) }));
process.once('message', (message: ToServer) => {
  if (message.type === 'setup') void serve(message);
});
