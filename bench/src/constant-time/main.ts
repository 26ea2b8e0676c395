/**
 * `npm run timing`: does the time of what touches secrets tell of them? Classes of input take turns in random order, and
 * Welch's t-test asks whether their times differ. Code that leaks on purpose is measured beside them: where it is not
 * found, the run is worth nothing and says so.
 *
 * Printed for each pair of classes: the difference of the means, t, and the smallest difference that this run could have
 * found. A leak below that is not ruled out. Exits with 1 where a leak on purpose was not found, or a difference is
 * above the case's bound, or could not have been seen if it were.
 *
 * `--seconds 45` is the length of the whole, warming up not counted; `--only cbc`, `rsa` or `tls13`, or a part of a case's
 * name, which leaves out what leaks on purpose.
 *
 * @module
 */

import { parseArgs } from 'node:util';
import { cbcCases } from './cbc.ts';
import { type Case, measure, type Outcome, type Verdict } from './measure.ts';
import { rsaCases } from './rsa.ts';
import { threshold } from './statistics.ts';
import { tls13Cases } from './tls13.ts';

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '45' }, only: { type: 'string', default: '' } },
});

/** What makes the run fail. */
const failures: readonly Verdict[] = ['NOT FOUND', 'LEAKS', 'TOO NOISY'];

const seconds = Number(values.seconds);
if (!(seconds > 0)) throw new RangeError(`--seconds is a number above 0, not ${values.seconds}`);

const families: Readonly<Record<string, () => readonly Case[]>> = { tls13: tls13Cases, cbc: cbcCases, rsa: rsaCases };

const chosen = Object.entries(families).flatMap(([family, cases]) =>
  cases().filter(({ name }) => family === values.only || name.includes(values.only)),
);
if (chosen.length === 0)
  throw new Error(`no case is called ${values.only}: there are ${Object.keys(families).join(', ')}`);
const shares = chosen.reduce((sum, { share }) => sum + share, 0);

console.log(`Node ${process.version}, ${process.arch}; a difference is seen from |t| = ${threshold}`);
const verdicts = new Set<Verdict>();
for (const one of chosen) {
  const outcome = measure(one, (seconds * 1000 * one.share) / shares);
  print(one, outcome);
  for (const { verdict } of outcome.findings) verdicts.add(verdict);
}

console.log('');
if (verdicts.has('NOT FOUND')) {
  console.log('A leak on purpose was not found: this machine is too noisy now, and the lines above say nothing.');
}
if (verdicts.has('LEAKS')) console.log('A time tells of a secret by more than its bound.');
if (verdicts.has('TOO NOISY')) console.log('A leak above its bound could have hidden in the noise: run for longer.');
if (failures.some((verdict) => verdicts.has(verdict))) process.exitCode = 1;

function print({ name, control, bound }: Case, { samples, mean, findings }: Outcome): void {
  const purpose = control ? 'leaks on purpose, must be found' : `bound ${nanoseconds(bound)}`;
  console.log(`\n${name}: ${nanoseconds(mean)} a call, ${samples} samples; ${purpose}`);
  let heading = '';
  for (const { pair, difference, t, limit, verdict } of findings) {
    if (pair[0] !== heading) console.log(row([`  ${pair[0]}, and`, 'difference', 't', 'limit']));
    heading = pair[0];
    const sign = difference < 0 ? '' : '+';
    const columns = [`    ${pair[1]}`, `${sign}${nanoseconds(difference)}`, t.toFixed(1), nanoseconds(limit)];
    console.log(`${row(columns)}   ${verdict}`);
  }
}

function row([name = '', ...figures]: readonly string[]): string {
  return `${name.padEnd(62)}${figures.map((figure) => figure.padStart(12)).join('')}`;
}

function nanoseconds(value: number): string {
  return `${Math.abs(value) < 100 ? value.toFixed(2) : Math.round(value)} ns`;
}
