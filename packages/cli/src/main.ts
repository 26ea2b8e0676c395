/**
 * The `handfast` process: its arguments, its streams, its exit code.
 *
 * @module
 */

import { exitCodes } from './exit.ts';
import { processIo } from './io.ts';
import { run, tellFailure, unwrittenError } from './run.ts';

const argv = process.argv.slice(2);
const io = processIo((error) => {
  tellFailure(unwrittenError(error), argv, io);
  process.exit(exitCodes.failed);
});
process.exitCode = await run(argv, io);
// A terminal that is still open for reading keeps no process that is done.
process.stdin.destroy();
