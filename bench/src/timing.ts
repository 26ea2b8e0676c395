/**
 * `npm run timing`: does the time of what touches secrets tell of them? Two classes of input take turns in random order,
 * and Welch's t-test asks whether their times differ (Reparaz, Balasch, Verbauwhede: dudect, 2017). A comparison that
 * leaks on purpose is measured beside them: where it is not found, the run is worth nothing and says so.
 *
 * Printed for each: the difference of the means, t, and the smallest difference that this run could have found. A leak below
 * that is not ruled out. No test asserts on any of it.
 *
 * @module
 */

import { parseArgs } from 'node:util';
import { equalBytes, equalConstantTime } from '@handfast/crypto';
import { nodeProvider } from '@handfast/crypto/node';

const { values } = parseArgs({ options: { samples: { type: 'string', default: '200000' } } });
const samples = Number(values.samples);

/** |t| from which two means differ for certain enough: dudect's. */
const threshold = 4.5;

interface Case {
  readonly name: string;
  /** Calls in one sample: so many that the clock's steps do not matter. */
  readonly calls: number;
  /** The two classes: what goes in. The work is one function, so that the compiler cannot make two of it. */
  readonly inputs: readonly [Uint8Array, Uint8Array];
  readonly work: (input: Uint8Array) => unknown;
}

function changedAt(bytes: Uint8Array, index: number): Uint8Array {
  const out = Uint8Array.from(bytes);
  out[index] = (out[index] ?? 0) ^ 1;
  return out;
}

function cases(): readonly Case[] {
  const secret = nodeProvider.random(32);
  const first = changedAt(secret, 0);
  const last = changedAt(secret, 31);
  const aead = nodeProvider.aeads['aes-128-gcm'];
  const exchange = nodeProvider.groups.x25519;
  if (aead === undefined || exchange === undefined) throw new Error('the node provider lacks AES-GCM or X25519');
  const key = aead.key(nodeProvider.random(16));
  const nonce = nodeProvider.random(12);
  const header = nodeProvider.random(5);
  const sealed = key.seal(nonce, header, nodeProvider.random(1024)) as Uint8Array;
  const badStart = changedAt(sealed, sealed.length - 16);
  const badEnd = changedAt(sealed, sealed.length - 1);
  const ephemeral = exchange.generate();
  if (ephemeral instanceof Promise) throw new Error('the node provider is synchronous');
  const low = Uint8Array.from({ length: 32 }, (_, index) => (index === 0 ? 9 : 0));
  const high = nodeProvider.random(32);
  return [
    {
      name: 'a comparison that leaks (must be found)',
      calls: 64,
      inputs: [first, last],
      work: (input) => equalBytes(secret, input),
    },
    {
      name: 'Finished, MACs: wrong in the first byte or in the last',
      calls: 64,
      inputs: [first, last],
      work: (input) => equalConstantTime(secret, input),
    },
    {
      name: 'a record’s tag: wrong in the first byte or in the last',
      calls: 1,
      inputs: [badStart, badEnd],
      work: (input) => key.open(nonce, header, input),
    },
    {
      name: 'X25519 with a small or a large coordinate of the peer’s',
      calls: 1,
      inputs: [low, high],
      work: (input) => ephemeral.agree(input),
    },
  ];
}

interface Moments {
  readonly mean: number;
  readonly variance: number;
  readonly count: number;
}

function moments(list: readonly number[]): Moments {
  const mean = list.reduce((sum, value) => sum + value, 0) / list.length;
  const variance = list.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (list.length - 1);
  return { mean, variance, count: list.length };
}

interface Outcome {
  /** Nanoseconds a call. */
  readonly difference: number;
  readonly t: number;
  readonly limit: number;
}

function measure({ calls, inputs, work }: Case): Outcome {
  const times: readonly [number[], number[]] = [[], []];
  const order = nodeProvider.random(samples);
  for (let i = -2_000; i < samples; i++) {
    const which = ((order[Math.max(i, 0)] ?? 0) & 1) as 0 | 1;
    const input = inputs[which];
    const start = process.hrtime.bigint();
    for (let call = 0; call < calls; call++) work(input);
    const elapsed = Number(process.hrtime.bigint() - start) / calls;
    if (i >= 0) times[which].push(elapsed);
  }
  // What a scheduler or a collector did is no leak: the slowest tenth of all goes, by one measure for both.
  const cut = [...times[0], ...times[1]].sort((a, b) => a - b)[Math.floor(0.9 * samples)] ?? Number.POSITIVE_INFINITY;
  const [a, b] = times.map((list) => moments(list.filter((time) => time <= cut))) as [Moments, Moments];
  const error = Math.sqrt(a.variance / a.count + b.variance / b.count);
  return { difference: b.mean - a.mean, t: (b.mean - a.mean) / error, limit: threshold * error };
}

console.log(`Node ${process.version}, ${samples} samples each; a difference is seen from |t| = ${threshold}`);
console.log(`${''.padEnd(60)}${'difference'.padStart(12)}${'t'.padStart(9)}${'limit'.padStart(11)}`);
let found = false;
for (const [index, one] of cases().entries()) {
  const { difference, t, limit } = measure(one);
  if (index === 0) found = Math.abs(t) >= threshold;
  const verdict = Math.abs(t) >= threshold ? 'differs' : 'nothing seen';
  console.log(
    `${one.name.padEnd(60)}${`${difference.toFixed(2)} ns`.padStart(12)}${t.toFixed(1).padStart(9)}${`${limit.toFixed(2)} ns`.padStart(11)}   ${verdict}`,
  );
}
if (!found) {
  console.log(
    'The comparison that leaks was not found: this machine is too noisy now, and the lines above say nothing.',
  );
  process.exitCode = 1;
}
