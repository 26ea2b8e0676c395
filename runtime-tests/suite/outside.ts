/**
 * A server that is another process, reached as `docs/runtimes.md` says for this runtime.
 *
 * @module
 */

import { equal, failure, property } from './check.ts';
import { encode } from './meet.ts';
import { test } from './registry.ts';

/** Where the server is, and who certified it. */
export interface Outside {
  readonly port: number;
  /** A WebSocket to the same server. */
  readonly bridge: string;
  /** In PEM: its authority, and one that has nothing to do with it. */
  readonly ca: string;
  readonly otherCa: string;
}

interface Plaintext {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
}

/** Connects, and trusts this authority. */
export type Opener = (outside: Outside, ca: string) => Promise<Plaintext>;

let given: { readonly outside: Outside; readonly open: Opener } | undefined;

/** Before the tests are run. */
export function setOutside(outside: Outside, open: Opener): void {
  given = { outside, open };
}

function outside(): { readonly outside: Outside; readonly open: Opener } {
  if (given === undefined) throw new Error('nobody has said where the server is');
  return given;
}

test('a server outside is connected to as the documentation says, and answers', async () => {
  const { outside: where, open } = outside();
  const { readable, writable } = await open(where, where.ca);
  const writer = writable.getWriter();
  await writer.write(encode('to the outside'));
  await writer.close();
  const heard: number[] = [];
  for (const reader = readable.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) break;
    heard.push(...value);
  }
  equal(new TextDecoder().decode(Uint8Array.from(heard)), 'to the outside', 'the echo');
});

test('a server outside that another authority certified is refused', async () => {
  const { outside: where, open } = outside();
  const error = await failure(open(where, where.otherCa));
  equal(property(error, 'tlsCode'), 'certificate_unknown_issuer', 'the error');
});
