/**
 * ACME clients of others against our authority, in one process on loopback: `npm run acme`, after `interop/acme/install.sh`. Each gets a certificate, renews it, and revokes it; exit code 0 only if all did.
 *
 * @module
 */

import { type RunningAuthority, startAuthority } from './authority.ts';

/** What a client's program exports: what it has done, in words. The programs need what npm installs, and so are not compiled. */
interface ClientProgram {
  run(ca: RunningAuthority): AsyncIterable<string>;
}

const programs = ['acme-client', 'certbot', 'dehydrated'];

let successes = 0;
let failures = 0;
const [, , ...wanted] = process.argv;
for (const name of wanted.length > 0 ? wanted : programs) {
  await using ca = await startAuthority();
  try {
    const program: ClientProgram = await import(new URL(`clients/${name}.mjs`, import.meta.url).href);
    for await (const done of program.run(ca)) {
      successes++;
      process.stdout.write(`ok    ${name}: ${done}\n`);
    }
  } catch (error) {
    failures++;
    process.stdout.write(`FAIL  ${name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    for (const event of ca.events) process.stdout.write(`      ${event}\n`);
  }
}
process.stdout.write(`${successes} passed, ${failures} failed\n`);
process.exitCode = failures === 0 ? 0 : 1;
