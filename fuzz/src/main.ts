/**
 * `npm run fuzz`: bad input, invented. Connections over a wire that spoils what is sent (`wire.ts`), then every decoder
 * of a stranger's bytes (`decoders.ts`), for `--seconds` each. `--only wire`, `--only decoders` or `--only` a decoder's name;
 * `--seed` and `--input` play again what a failure printed.
 *
 * @module
 */

import { parseArgs } from 'node:util';
import type { Count } from './count.ts';
import { fuzzDecoders } from './decoders.ts';
import { fuzzWire } from './wire.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '20' },
    seed: { type: 'string' },
    only: { type: 'string' },
    input: { type: 'string' },
  },
});
const { only, input } = values;
const seconds = Number(values.seconds);
const seed = values.seed === undefined ? undefined : Number(values.seed);

process.on('unhandledRejection', (error) => {
  console.error('unhandled rejection', error);
  process.exit(1);
});

const counts: Count[] = [];
if (only === undefined || only === 'wire') counts.push(await fuzzWire(seconds, seed));
if (only !== 'wire') counts.push(await fuzzDecoders({ seconds, seed, only, input }));
const passed = counts.reduce((sum, count) => sum + count.passed, 0);
const failed = counts.reduce((sum, count) => sum + count.failed, 0);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
