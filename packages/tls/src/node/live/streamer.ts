/**
 * Who shows a process's connections to `handfast view`: looks for a viewer as a connection begins, once a second at most while there is
 * none, and keeps one way to it for all.
 *
 * @module
 */

import { basename, relative } from 'node:path';
import { isMainThread, threadId } from 'node:worker_threads';
import type { Watching } from '../watcher.ts';
import { preciseClock } from './clock.ts';
import { Link } from './link.ts';
import { type Environment, isViewerSocket, viewerSocketPath } from './place.ts';

export interface StreamerOptions {
  /** Where `HANDFAST_VIEW`, `HANDFAST_VIEW_SOCKET` and `HANDFAST_VIEW_SECRETS` stand. Default: the process's. */
  readonly env?: Environment;
  /** What the viewer calls this program. Default: by its command line, without its arguments. */
  readonly program?: string;
  /** Milliseconds that never go back. */
  readonly clock?: () => number;
}

export interface Streamer {
  /**
   * What hears of a connection that begins now; undefined: nobody looks. It never throws, and neither does what it answers.
   * @param target whom a client wants: `example.com:443`
   */
  watch(target: string | undefined): Watching | undefined;
}

/** While nobody listens, so long passes before somebody is looked for again. */
const retryMs = 1000;

let own: Streamer | undefined;

/** The one of this process: who looks sees it as one program. */
export function streamerOfProcess(): Streamer {
  own ??= streamer();
  return own;
}

/** `HANDFAST_VIEW=0` turns it off; with `HANDFAST_VIEW_SECRETS=1` key log and data go to the viewer, too. */
export function streamer({ env = process.env, program, clock }: StreamerOptions = {}): Streamer {
  const monotonic = clock ?? ((): number => performance.now());
  const now = preciseClock();
  let link: Link | undefined;
  let triedAt = Number.NEGATIVE_INFINITY;
  const linked = (): Link | undefined => {
    if (link?.over === false) return link;
    link = undefined;
    if (env.HANDFAST_VIEW === '0' || monotonic() - triedAt < retryMs) return undefined;
    triedAt = monotonic();
    const path = viewerSocketPath(env);
    if (!isViewerSocket(path)) return undefined;
    link = new Link({
      ...{ path, program: (program ?? commandLine()).slice(0, 256), secrets: hasSecrets(env) },
      ...{ now, clock: monotonic },
    });
    sendAtTheEnd(link);
    return link;
  };
  return {
    watch(target) {
      try {
        return linked()?.watch(target);
      } catch {
        return undefined;
      }
    },
  };
}

/** Whether whoever started the program wants its secrets shown. */
export function hasSecrets(env: Environment): boolean {
  return env.HANDFAST_VIEW_SECRETS === '1';
}

const links = new Set<Link>();
let atTheEnd = false;

/** What was recorded by the end of the process gets out, as far as that takes no time. */
function sendAtTheEnd(link: Link): void {
  for (const one of links) if (one.over) links.delete(one);
  links.add(link);
  if (!atTheEnd) {
    atTheEnd = true;
    const each = (act: (one: Link) => void): void => {
      for (const one of links) {
        try {
          act(one);
        } catch {
          links.delete(one);
        }
      }
    };
    process.on('beforeExit', () => each((one) => one.lastWords()));
    process.on('exit', () => each((one) => one.flush()));
  }
}

/** `node app.js`: of arguments, some are secret. */
function commandLine(): string {
  const [node = 'node', script] = process.argv;
  const nearby = script === undefined ? '' : relative(process.cwd(), script);
  const words = [basename(node, '.exe'), nearby.startsWith('..') ? basename(script ?? '') : nearby];
  return [...words.filter((word) => word !== ''), ...(isMainThread ? [] : [`(thread ${threadId})`])].join(' ');
}
