/**
 * Who looks at every connection of this process, beside those that its programs name: `@handfast/tls/register` has `handfast view`
 * look. Without anybody it costs nothing.
 *
 * @module
 */

import type { ConnectionHandlers } from '../connection-options.ts';
import type { KeyLogListener, TraceListener } from '../trace.ts';

/** What hears of one connection. */
export interface Watching extends Pick<ConnectionHandlers, 'traceDetails'> {
  readonly trace: TraceListener;
  readonly keyLog?: KeyLogListener;
}

/** Asked as a connection begins; undefined: nobody looks at this one. It never throws, and neither does what it answers. */
export type Watcher = (target: string | undefined) => Watching | undefined;

/** What a client's socket knows of whom it wants. */
interface Destination {
  readonly serverName?: string | undefined;
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly path?: string | undefined;
}

let watcher: Watcher | undefined;

export function watchConnections(by: Watcher): void {
  watcher = by;
}

/** @param destination whom a client wants, asked for only where somebody looks. */
export function watchingOf(destination: (() => Destination) | undefined): Watching | undefined {
  return watcher?.(targetText(destination?.() ?? {}));
}

/** `example.com:443`, `[::1]:8443`, or a path. */
function targetText({ serverName, host = serverName, port, path }: Destination): string | undefined {
  // `node:https` gives null for a path that it has not got.
  if (path || !host) return path || undefined;
  const written = host.includes(':') ? `[${host}]` : host;
  return !port ? written : `${written}:${port}`;
}

/** A connection's own listeners, and who looks at it besides: of the application's data that one alone hears. */
export function heardBy(
  watching: Watching | undefined,
  own: Pick<ConnectionHandlers, 'trace' | 'keyLog'>,
): Pick<ConnectionHandlers, 'trace' | 'traceDetails' | 'keyLog'> {
  if (watching === undefined) return own;
  const { trace, keyLog } = own;
  return {
    ...watching,
    ...(trace && {
      trace: (event) => {
        watching.trace(event);
        if (event.type !== 'data') trace(event);
      },
    }),
    ...(keyLog && {
      keyLog: (line) => {
        watching.keyLog?.(line);
        keyLog(line);
      },
    }),
  };
}
