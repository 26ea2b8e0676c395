/**
 * A Redis in this process, as far as a `RedisClient` asks of one: `GET`, `SET` with `NX` and `PX`, `DEL`, `INFO`. Its clock is
 * the test's, and it restarts, forgets and falls silent when the test says so.
 *
 * @module
 */

import { nodeProvider as provider } from '@handfast/crypto/node';
import { type RedisClient, type RedisConnection, redisConnection } from '../../src/redis/index.ts';

export const secret: Uint8Array = new Uint8Array(32).fill(7);

export class FakeRedis implements RedisClient {
  readonly values = new Map<string, { readonly text: string; readonly until: number }>();
  /** Every command that came, with its arguments. */
  readonly commands: string[][] = [];
  now = 1_000_000;
  run = 'aaaa';
  policy = 'noeviction';
  /** What befalls a command, before it is done. */
  trouble: ((command: readonly string[]) => Promise<void> | undefined) | undefined;

  async sendCommand(command: string[]): Promise<unknown> {
    this.commands.push(command);
    const wait = this.trouble?.(command);
    if (wait !== undefined) await wait;
    return this.#answer(command);
  }

  /** Without persistence: everything is gone, and it is another run. */
  restart(run: string): void {
    this.values.clear();
    this.run = run;
  }

  get(name: string): string | null {
    const found = this.values.get(name);
    return found === undefined || found.until <= this.now ? null : found.text;
  }

  /** How often a command came. */
  count(name: string): number {
    return this.commands.filter(([command]) => command === name).length;
  }

  #answer([command, name = '', text = '', ...options]: readonly string[]): string | number | null {
    switch (command) {
      case 'GET':
        return this.get(name);
      case 'SET': {
        if (options.includes('NX') && this.get(name) !== null) return null;
        const life = options.includes('PX') ? Number(options.at(-1)) : Number.POSITIVE_INFINITY;
        this.values.set(name, { text, until: this.now + life });
        return 'OK';
      }
      case 'DEL':
        return this.values.delete(name) ? 1 : 0;
      case 'INFO':
        return name === 'server'
          ? `# Server\r\nredis_version:7.0.15\r\nrun_id:${this.run}\r\ntcp_port:6379\r\n`
          : `# Memory\r\nused_memory:1\r\nmaxmemory_policy:${this.policy}\r\n`;
      default:
        throw new Error(`ERR unknown command '${command}'`);
    }
  }
}

export interface Told {
  readonly connection: RedisConnection;
  readonly told: unknown[];
}

/** A server's connection to the fake, and what it tells. */
export async function connectionTo(
  client: RedisClient,
  options: { secret?: Uint8Array | Uint8Array[]; prefix?: string } = {},
): Promise<Told> {
  const told: unknown[] = [];
  const connection = await redisConnection({
    client,
    secret,
    provider,
    onError: (error) => told.push(error),
    ...options,
  });
  return { connection, told };
}

/** Until all that is under way has come as far as it can without time going on. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
}
