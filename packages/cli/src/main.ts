/**
 * The `handfast` process: its arguments, its streams, its exit code.
 *
 * @module
 */

import { processIo } from './io.ts';
import { run } from './run.ts';

const io = processIo();
process.exitCode = await run(process.argv.slice(2), io);
// A terminal that is still open for reading keeps no process that is done.
process.stdin.destroy();
