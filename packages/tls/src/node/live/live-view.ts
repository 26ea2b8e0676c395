/**
 * Connections of a program's own choice, shown by `handfast view`.
 *
 * @module
 */

import type { CommonOptions } from '../../config.ts';
import type { TraceEvent } from '../../trace.ts';
import { heardBy, type Watching } from '../watcher.ts';
import { hasSecrets, streamerOfProcess } from './streamer.ts';

export interface LiveViewOptions extends Pick<CommonOptions, 'trace' | 'keyLog'> {
  /** Whom a client wants, for the reader: `example.com:443`. */
  readonly target?: string;
}

/**
 * Options of a client's or a server's config with which `handfast view` shows each of its connections, and which call the `trace`
 * and `keyLog` that they are given, too. Where a connection begins while no viewer is open, that costs a look for one, once a second
 * at most.
 *
 * What connects with `@handfast/tls/register` is shown without them.
 *
 * @example
 * ```ts
 * import { liveView } from '@handfast/tls/live';
 * import { createServer } from '@handfast/tls/node';
 *
 * createServer({ cert, key, ...liveView() }).listen(8443);
 * ```
 */
export function liveView(options: LiveViewOptions = {}): Pick<CommonOptions, 'trace' | 'keyLog' | 'traceDetails'> {
  const { target, ...own } = options;
  const each = new EachConnection(target);
  return heardBy(
    {
      trace: (event) => each.hear(event),
      ...(hasSecrets(process.env) && {
        keyLog: (line: string) => each.hearKey(line),
        traceDetails: { plaintext: true },
      }),
    },
    own,
  );
}

/** Events of many connections, for who hears of one each. */
class EachConnection {
  readonly #target: string | undefined;
  /** Of those that stand; undefined: nobody looked when it began. */
  readonly #open: Map<number, Watching | undefined> = new Map();

  constructor(target: string | undefined) {
    this.#target = target;
  }

  hear(event: TraceEvent): void {
    const { connection, type } = event;
    if (!this.#open.has(connection)) this.#open.set(connection, streamerOfProcess().watch(this.#target));
    this.#open.get(connection)?.trace(event);
    if (type === 'closed') this.#open.delete(connection);
  }

  /** A line says by its random whose it is: recorders take their own. */
  hearKey(line: string): void {
    for (const watching of this.#open.values()) watching?.keyLog?.(line);
  }
}
