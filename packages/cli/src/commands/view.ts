/**
 * `handfast view`: its options. What it does is in `view/`.
 *
 * @module
 */

import type { Command } from 'commander';
import type { ExitCode } from '../exit.ts';
import type { Io } from '../io.ts';
import type { ViewOptions } from '../view/view.ts';

/** Adds `view` to the program. */
export function addView(program: Command, io: Io, done: (code: ExitCode) => void): void {
  program
    .command('view')
    .description('show connections in the browser as they happen: each message, and what came of it')
    .option('--port <port>', 'the page’s, on this machine alone; 0 picks a free one', '0')
    .option('--no-open', 'print the page’s address, and open no browser')
    .option('--json', 'print the address as JSON: {"url":"…"}')
    .option('--no-color', 'print without colours; so does NO_COLOR')
    .addHelpText(
      'after',
      `
Shown is what begins from then on in handfast connect, handfast serve, and programs with @handfast/tls/register, of the
same user on this machine. The address opens once; Enter prints another. Ctrl-C ends it.

Of a program, HANDFAST_VIEW=0 shows nothing, and HANDFAST_VIEW_SECRETS=1 its keys and data, too. HANDFAST_VIEW_SOCKET
names the socket that they meet at. docs/viewer.md says who can see what.

Examples:
  handfast view
  node --import @handfast/tls/register app.js`,
    )
    .action(async (options: ViewOptions) => {
      const { view } = await import('../view/view.ts');
      done(await view(options, io));
    });
}
