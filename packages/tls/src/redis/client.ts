/**
 * What is asked of a Redis client: to send a command. A client of node-redis is one as it is; one of another library takes a
 * line, `{ sendCommand: ([name = '', ...args]) => redis.call(name, ...args) }`.
 *
 * @module
 */

import type { Cryptography } from '@handfast/crypto';
import { reasonOf, TlsConfigError } from '../errors.ts';

/** Commands are `GET`, `SET`, `DEL` and `INFO`; everything in them and in their answers is text. */
export interface RedisClient {
  /** Answers as Redis does: text, or null for what is not there. Commands of one turn go out in their order. */
  sendCommand(command: string[]): Promise<unknown>;
}

/** A client that was made here. */
export interface OwnClient {
  readonly client: RedisClient;
  /** When it has been connected once. It never rejects. */
  readonly connected: Promise<unknown>;
  readonly end: () => void;
}

/** The longest pause between two attempts to connect, in milliseconds. */
const longestPauseMs = 2000;

/**
 * A client of the `redis` package, that connects and goes on trying to. A command without a connection fails at once: what
 * waits in a queue comes too late for a handshake.
 *
 * @throws TlsConfigError (as a rejection) where the package is not installed, or refuses the URL.
 */
export async function connectTo(url: string, provider: Cryptography): Promise<OwnClient> {
  const { createClient } = await import('redis').catch((error: unknown) => {
    throw new TlsConfigError('url', `the redis package cannot be loaded (npm install redis): ${reasonOf(error)}`);
  });
  const make = () =>
    createClient({
      url,
      RESP: 2,
      maintNotifications: 'disabled',
      disableOfflineQueue: true,
      commandsQueueMaxLength: 10_000,
      // A peer that is gone without a word is found so.
      pingInterval: 5000,
      socket: {
        connectTimeout: 2000,
        socketTimeout: 15_000,
        reconnectStrategy: (attempts) => pauseMs(attempts, 50, longestPauseMs, provider),
      },
    });
  let client: ReturnType<typeof make>;
  try {
    client = make();
  } catch (error) {
    throw new TlsConfigError('url', `it cannot be used: ${reasonOf(error)}`);
  }
  // Told by the next command. Without a listener the process would end.
  let lost: unknown;
  client.on('error', (error: unknown) => {
    // Of a name with several addresses, each of which failed.
    lost = error instanceof AggregateError ? (error.errors[0] ?? error) : error;
  });
  return {
    client: {
      async sendCommand(command) {
        if (client.isReady) return client.sendCommand(command);
        throw lost ?? new Error('it is not connected yet');
      },
    },
    connected: client.connect().catch(() => {}),
    end() {
      if (client.isOpen) client.destroy();
    },
  };
}

/** Twice as long each time up to the longest; half of it by chance, so that a fleet does not come back all at once. */
export function pauseMs(attempts: number, first: number, longest: number, provider: Cryptography): number {
  const full = Math.min(longest, first * 2 ** Math.min(attempts, 20));
  return Math.round(full * (0.5 + chance(provider) / 2));
}

/** A number from 0 up to 1. */
export function chance(provider: Cryptography): number {
  const [high = 0, low = 0] = provider.random(2);
  return (high * 256 + low) / 65_536;
}
