/**
 * Somebody in between who changes handshake messages before they are encrypted.
 *
 * @module
 */

import { type Bytes, concat } from '@handfast/crypto';
import type { Wire } from '../support/pair.ts';
import { recordsIn } from '../support/wire.ts';

type From = 'client' | 'server';

/** What becomes of a message (header included): others in its place, none, or undefined for the same. */
export type MessageChange = (type: number, message: Bytes, from: From) => readonly Uint8Array[] | undefined;

const changeCipherSpec = 20;
const handshake = 22;

/** Changes messages up to each side's ChangeCipherSpec. No message may be longer than a record. */
export function rewriting(change: MessageChange): Wire {
  const hidden = { client: false, server: false };
  return (bytes, from) =>
    recordsIn(bytes).flatMap((record) => {
      if (record[0] === changeCipherSpec) hidden[from] = true;
      if (record[0] !== handshake || hidden[from]) return [record];
      return messagesIn(record.subarray(5))
        .flatMap((message) => change(message[0] as number, message, from) ?? [message])
        .map((message) =>
          concat(record.slice(0, 3), Uint8Array.of(message.length >> 8, message.length & 0xff), message),
        );
    });
}

/** Cuts a record's content into its messages. */
export function messagesIn(content: Uint8Array): readonly Bytes[] {
  const out: Bytes[] = [];
  for (let at = 0; at + 4 <= content.length; ) {
    const [, high = 0, middle = 0, low = 0] = content.subarray(at, at + 4);
    const end = at + 4 + ((high << 16) | (middle << 8) | low);
    out.push(content.slice(at, end) as Bytes);
    at = end;
  }
  return out;
}

/** One who changes nothing and keeps what passes: each record as type, version and length, alerts as they are. */
export class Listener {
  readonly records: string[] = [];
  readonly #from: From;

  constructor(from: From) {
    this.#from = from;
  }

  readonly wire: Wire = (bytes, from) => {
    if (from === this.#from) {
      for (const record of recordsIn(bytes)) {
        const [type, major, minor] = record;
        const content = type === 21 && record.length === 7 ? ` ${record[5]} ${record[6]}` : '';
        this.records.push(`${type} ${major}.${minor} ${record.length - 5}${content}`);
      }
    }
    return [bytes];
  };
}
