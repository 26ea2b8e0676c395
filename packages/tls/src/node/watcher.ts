/**
 * Who looks at every connection of this process, beside those that its programs name: `@handfast/tls/register` has `handfast view`
 * look. Without anybody it costs nothing.
 *
 * @module
 */

import type { ConnectionHandlers } from '../connection-options.ts';
import type { KeyLogListener, TraceDetails, TraceEvent, TraceListener } from '../trace.ts';

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

/** Bytes of the wire and the application's data are for who has asked for them, by `true` and nothing else. */
export function isFor({ type }: TraceEvent, details: TraceDetails | undefined): boolean {
  if (type === 'wire') return details?.wire === true;
  return type !== 'data' || details?.plaintext === true;
}

type Listeners = Pick<ConnectionHandlers, 'trace' | 'traceDetails' | 'keyLog'>;

/** A connection's own listeners, and who looks at it besides: each hears what it has asked for. */
export function heardBy(watching: Watching | undefined, own: Listeners): Listeners {
  if (watching === undefined) return own;
  const { trace, traceDetails, keyLog } = own;
  return {
    ...watching,
    traceDetails: { ...traceDetails, ...watching.traceDetails },
    trace: (event) => {
      if (isFor(event, watching.traceDetails)) watching.trace(event);
      if (isFor(event, traceDetails)) trace?.(event);
    },
    ...(keyLog && {
      keyLog: (line) => {
        watching.keyLog?.(line);
        keyLog(line);
      },
    }),
  };
}
