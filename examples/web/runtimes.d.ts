/**
 * What Deno and Bun have, as far as the examples use it.
 *
 * @module
 */

declare namespace Deno {
  type Conn = import('@handfast/tls/web').DenoConnLike;
  interface Listener extends AsyncIterable<Conn> {
    readonly addr: { readonly port: number };
  }
  const args: readonly string[];
  function readTextFile(path: string): Promise<string>;
  function connect(where: { hostname: string; port: number }): Promise<Conn>;
  function listen(where: { hostname: string; port: number }): Listener;
}

declare namespace Bun {
  interface Where {
    readonly hostname: string;
    readonly port: number;
    readonly allowHalfOpen: boolean;
    readonly socket: import('@handfast/tls/web').BunHandlers;
  }
  const argv: readonly string[];
  function file(path: string): { text(): Promise<string> };
  function connect(where: Where): Promise<unknown>;
  function listen(where: Where): { readonly port: number };
}
