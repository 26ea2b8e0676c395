/**
 * Connections of a program's own choice, shown by `handfast view`.
 *
 * @module
 */

import type { CommonOptions } from '../../config.ts';
import type { TraceEvent } from '../../trace.ts';
import { heardBy, type Watching } from '../watcher.ts';
import { hasSecrets, streamerOfProcess } from './streamer.ts';

type Listeners = Pick<CommonOptions, 'trace' | 'traceDetails' | 'keyLog'>;

export interface LiveViewOptions extends Listeners {
  /** Whom a client wants, for the reader: `example.com:443`. */
  readonly target?: string;
}

/**
 * Options of a client's or a server's config with which `handfast view` shows each of its connections, and which call the `trace`
 * and `keyLog` that they are given, too. `traceDetails` are those of that `trace`, and given here: beside these options they would
 * have no listener.
 *
 * While no viewer is open they cost what any `trace` does: messages are decoded, work is timed, and there is an event for every
 * record. A viewer is looked for as a connection begins, once a second at most.
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
export function liveView(options: LiveViewOptions = {}): Listeners {
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
