/**
 * What a server says of its own once a connection stands, as far as a diagnosis needs it: whether it is HTTP, its status
 * and clock, how it ends.
 *
 * @module
 */

import type { Answer } from './evidence.ts';

/** Of an HTTP answer's head; more is dropped. */
const maxHead = 16 * 1024;
const maxStart = 512;

export class Answering {
  #text = '';
  #end: Answer['end'] = 'open';

  /** Takes data. @returns whether that is enough: an answer that is no HTTP, or bytes beyond reason. */
  data(plaintext: Uint8Array): boolean {
    const room = maxHead - this.#text.length;
    this.#text += Buffer.from(plaintext.subarray(0, room)).toString('latin1');
    return room <= plaintext.length || !'HTTP/'.startsWith(this.#text.slice(0, 5));
  }

  ended(how: 'close_notify' | 'truncated'): void {
    if (this.#end === 'open') this.#end = how;
  }

  get answer(): Answer {
    const [, status] = /^HTTP\/1\.[01] (\d{3})/.exec(this.#text) ?? [];
    return {
      start: this.#text.slice(0, maxStart),
      status: status === undefined ? undefined : Number(status),
      date: status === undefined ? undefined : dateIn(this.#text),
      end: this.#end,
    };
  }
}

/** The Date header (RFC 9110 §6.6.1), in the one form that is sent. */
function dateIn(head: string): Date | undefined {
  for (const line of head.split('\r\n')) {
    if (line === '') return undefined;
    if (!/^date:/i.test(line)) continue;
    const text = line.slice('date:'.length).trim();
    if (!/^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/.test(text)) return undefined;
    const date = new Date(text);
    return Number.isNaN(date.getTime()) ? undefined : date;
  }
  return undefined;
}
