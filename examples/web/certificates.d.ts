/**
 * Certificates that a bundler puts into a script, as text.
 *
 * @module
 */

declare module '*.pem' {
  const pem: string;
  export default pem;
}

/** What workerd has of it, as far as it is used here. */
declare module 'cloudflare:sockets' {
  export function connect(address: string | { readonly hostname: string; readonly port: number }): {
    readonly readable: ReadableStream<Uint8Array>;
    readonly writable: WritableStream<Uint8Array>;
    close(): Promise<void>;
  };
}
