/**
 * What somebody between both sides learns of a connection who has no keys: each record as it looks from there.
 *
 * @module
 */

import { outerType } from '../dissect/record.ts';
import type { Handshake } from './handshake.ts';
import type { WireRecord } from './records.ts';

/** A record, from outside. */
export interface Glimpse {
  readonly record: WireRecord;
  /** `ClientHello`, or that it cannot be read. */
  readonly title: string;
  /** What its header says: `application_data (23)`. */
  readonly type: string;
  /** Of the payload, in bytes. */
  readonly length: number;
  readonly readable: boolean;
}

export function glimpsesOf({ records }: Pick<Handshake, 'records'>): readonly Glimpse[] {
  return records.map((record) => {
    const titles = [...new Set(record.pieces.map(({ title }) => title))].join(', ');
    const type = outerType(record);
    const title = !isReadable(record) || titles === '' ? unread[record.bytes[0] ?? 0] : titles;
    return {
      ...{ record, type, length: Math.max(0, record.bytes.length - 5), readable: isReadable(record) },
      title: title ?? 'Something that is no TLS',
    };
  });
}

/** Some suites of old only prove that nobody has changed the bytes. */
function isReadable(record: WireRecord): boolean {
  return !record.protected || record.cipherSuite?.includes('_NULL_') === true;
}

/** A record that cannot be read, by its header's type; in TLS 1.3 nearly all have the last. */
const unread: Readonly<Record<number, string>> = {
  20: 'ChangeCipherSpec',
  21: 'An alert',
  22: 'A handshake message',
  23: 'Encrypted',
};

export interface Overheard {
  /** Titles of what can be read, in order, each once. */
  readonly read: readonly string[];
  /** What cannot be. */
  readonly records: number;
  readonly bytes: number;
}

/** All that somebody in between has of a connection. */
export function overheardIn(glimpses: readonly Glimpse[]): Overheard {
  const sealed = glimpses.filter(({ readable }) => !readable);
  return {
    read: [
      ...new Set(
        glimpses.filter(({ readable }) => readable).flatMap(({ record }) => record.pieces.map(({ title }) => title)),
      ),
    ],
    records: sealed.length,
    bytes: sealed.reduce((sum, { length }) => sum + length, 0),
  };
}
