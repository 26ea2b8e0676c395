/**
 * A stage on which tickets allow early data, a server takes it once, and a client that comes back sends some.
 *
 * @module
 */

import assert from 'node:assert/strict';
import type { CryptoProvider } from '@handfast/crypto';
import { memoryReplayCache, type Negotiated, type ReplayCache } from '../../src/index.ts';
import { exchange, type PairOptions, type Side } from '../support/pair.ts';
import { full, helloOf, type Met, resumed, type Stage, stage } from './resuming.ts';

/** Bytes: the default of a server. */
export const limit = 16_384;
export const window = 10_000;

/** One that has always been there. */
export const replayCache = (): ReplayCache => memoryReplayCache({ window, time: () => new Date(0) });

export function earlyStage(provider: CryptoProvider, always: PairOptions = {}): Stage {
  return stage(provider, {
    ...always,
    client: { earlyData: limit, ...always.client },
    server: { earlyData: { replay: replayCache() }, ...always.server },
  });
}

/** Writes early data, all of which goes out. */
export function writeEarly({ connection }: Side, ...texts: readonly string[]): void {
  for (const text of texts) assert.equal(connection.writeEarlyData(Buffer.from(text)), text.length);
}

/** After a first meeting: the client is back, and its hello and these writes wait in its outbox. */
export async function back(here: Stage, options?: PairOptions, ...texts: readonly string[]): Promise<Met> {
  await full(await here.meet());
  return backAgain(here, options, ...texts);
}

export async function backAgain(here: Stage, options?: PairOptions, ...texts: readonly string[]): Promise<Met> {
  const met = await here.begin(options);
  writeEarly(met.client, ...texts);
  return met;
}

/** The early data came, before anything else. */
export async function accepted(met: Met, text: string): Promise<Negotiated> {
  const { client, server } = met;
  await exchange(met);
  assert.deepEqual(met.decided, ['accepted']);
  assert.equal(server.text(), text);
  assert.equal(client.connection.takeRejectedEarlyData(), undefined);
  const negotiated = await resumed(met);
  assert.equal(negotiated.earlyData, 'accepted');
  return negotiated;
}

/** None of it came; the connection stands, resumed or not, and the bytes are given back once. */
export async function rejected(
  met: Met,
  text: string,
  why = 'a HelloRetryRequest was needed',
  how: (met: Met) => Promise<Negotiated> = resumed,
): Promise<Negotiated> {
  const { client, server } = met;
  await exchange(met);
  assert.deepEqual([client.error, server.error], [undefined, undefined]);
  assert.deepEqual(met.decided, [why]);
  assert.equal(server.text(), '');
  const negotiated = await how(met);
  assert.equal(negotiated.earlyData, 'rejected');
  assert.equal(helloOf(met).extensions.early_data, true);
  assert.equal(client.connection.writeEarlyData(Buffer.from('more')), 0);
  assert.equal(Buffer.from(client.connection.takeRejectedEarlyData() ?? []).toString(), text);
  assert.equal(client.connection.takeRejectedEarlyData(), undefined);
  return negotiated;
}

/** The client offered none. */
export async function notOffered(met: Met, how: (met: Met) => Promise<Negotiated> = resumed): Promise<Negotiated> {
  const { client } = met;
  assert.equal(client.connection.writeEarlyData(Buffer.from('x')), 0);
  await exchange(met);
  assert.equal(client.earlyLimit, undefined);
  const negotiated = await how(met);
  assert.equal(negotiated.earlyData, undefined);
  assert.equal(helloOf(met).extensions.early_data, undefined);
  assert.deepEqual(met.decided, []);
  assert.equal(client.connection.takeRejectedEarlyData(), undefined);
  return negotiated;
}
