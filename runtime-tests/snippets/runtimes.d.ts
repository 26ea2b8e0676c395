/**
 * What Deno, Bun and workerd have, as far as the snippets use it.
 *
 * @module
 */

declare namespace Deno {
  function connect(where: {
    readonly hostname: string;
    readonly port: number;
  }): Promise<import('@handfast/tls/web').ByteStreams>;
}

declare namespace Bun {
  function connect(where: {
    readonly hostname: string;
    readonly port: number;
    readonly allowHalfOpen: boolean;
    readonly socket: import('@handfast/tls/web').BunHandlers;
  }): Promise<unknown>;
}

declare module 'cloudflare:sockets' {
  export function connect(where: {
    readonly hostname: string;
    readonly port: number;
  }): import('@handfast/tls/web').ByteStreams;
}
