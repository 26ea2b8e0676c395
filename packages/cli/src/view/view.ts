/**
 * `handfast view`: programs on one side, browsers on the other, and what is kept between them.
 *
 * @module
 */

import { createServer, type Server } from 'node:http';
import { viewerSocketPath } from '@handfast/tls/live';
import { siteFolder } from '@handfast/viewer/site';
import { CliError, type ExitCode, exitCodes } from '../exit.ts';
import { colorsFor, type Io } from '../io.ts';
import { listen } from '../listening.ts';
import { parsePort } from '../options.ts';
import { Access } from './access.ts';
import { Archive } from './archive.ts';
import { openBrowser } from './browser.ts';
import { takeIn } from './intake.ts';
import { pages } from './pages.ts';
import { readSite } from './site.ts';
import { holdSocket } from './socket.ts';

/** As commander gives them. */
export interface ViewOptions {
  readonly port: string;
  readonly open: boolean;
  readonly json?: boolean;
  readonly color?: boolean;
}

/** Programs that are cut off are told of so often: they may go on and on. */
const maxRefusals = 20;

/** @param site the folder of the built page. */
export async function view(options: ViewOptions, io: Io, site: URL = siteFolder()): Promise<ExitCode> {
  const port = parsePort(options.port, 0);
  const files = readSite(site);
  if (files === undefined) {
    throw new CliError(exitCodes.failed, 'the page is not built', {
      hint: 'npm run viewer builds it, in the folder of the sources',
    });
  }
  const telling = new Telling(io, options);
  const path = viewerSocketPath(io.env);
  const place = await holdSocket(path);
  if ('address' in place) {
    telling.address(place.address, 'another handfast view is running, and shows everything');
    return exitCodes.ok;
  }
  const archive = new Archive();
  const http = createServer({ headersTimeout: 10_000, requestTimeout: 10_000 });
  http.maxConnections = 64;
  let endPrograms = (): void => undefined;
  try {
    const access = new Access(await listen(http, port, '127.0.0.1', '--port'));
    http.on(
      'request',
      pages({
        ...{ access, archive, site: files },
        openedAgain: () =>
          telling.warning('an address was opened a second time: if that was not you, end this now (Ctrl-C)'),
      }),
    );
    const refused = (who: string, reason: string): void => telling.refusal(who, reason);
    const full = (most: number): void =>
      telling.warning(`${most} programs are shown, and no more at a time: others are turned away`);
    endPrograms = takeIn(place.server, { archive, refused, full, address: () => access.address() });
    telling.address(
      access.address(),
      `what connects on this machine is shown here: handfast connect, handfast serve, and programs with
@handfast/tls/register. Enter prints another address, Ctrl-C ends it.`,
    );
    const again = (chunk: Buffer | string): void => {
      if (chunk.includes('\n')) telling.line(access.address());
    };
    io.stdin.on('data', again);
    await new Promise<void>((done) => {
      if (io.interrupted.aborted) done();
      else io.interrupted.addEventListener('abort', () => done(), { once: true });
    });
    io.stdin.off('data', again);
    io.stdin.pause();
    return exitCodes.ok;
  } finally {
    place.server.close();
    endPrograms();
    end(http);
  }
}

/** Pages stay connected as long as they can: nothing is waited for. */
function end(http: Server): void {
  http.close();
  http.closeAllConnections();
}

/** The address goes to stdout, the rest to stderr. */
class Telling {
  readonly #io: Io;
  readonly #options: ViewOptions;
  #refusals = 0;

  constructor(io: Io, options: ViewOptions) {
    this.#io = io;
    this.#options = options;
  }

  /** Where the page is. @param words what people are told besides. */
  address(url: string, words: string): void {
    this.line(url);
    if (this.#options.open) openBrowser(url, this.#io.env);
    if (this.#options.json) return;
    const { dim } = colorsFor(this.#io.stderr, this.#io.env, this.#options.color);
    this.#io.stderr.write(`${dim(words)}\n`);
  }

  line(url: string): void {
    const { bold } = colorsFor(this.#io.stdout, this.#io.env, this.#options.color);
    this.#io.stdout.write(this.#options.json ? `${JSON.stringify({ url })}\n` : `${bold(url)}\n`);
  }

  warning(words: string): void {
    const { yellow } = colorsFor(this.#io.stderr, this.#io.env, this.#options.color);
    this.#io.stderr.write(`${yellow('warning:')} ${words}\n`);
  }

  /** Both are a program's words: nothing in them steers a terminal. */
  refusal(who: string, reason: string): void {
    this.#refusals++;
    if (this.#refusals > maxRefusals) return;
    const last = this.#refusals === maxRefusals ? ' (no more of these are told)' : '';
    this.warning(
      `${printable(who)} sent what cannot be read, and is not listened to any more: ${printable(reason)}${last}`,
    );
  }
}

function printable(text: string): string {
  return text.replace(/[\p{C}]/gu, '·').slice(0, 256);
}
