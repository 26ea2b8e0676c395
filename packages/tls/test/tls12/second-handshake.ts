/**
 * Puppets of TLS 1.2 for a second handshake on a connection: what they say goes out under the keys of the first, up to their
 * ChangeCipherSpec (RFC 5746 §3.5).
 *
 * @module
 */

import assert from 'node:assert/strict';
import { type Bytes, concat } from '@handfast/crypto';
import type { TraceEvent } from '../../src/index.ts';
import { contentType } from '../../src/registry.ts';
import type { Side } from '../support/pair.ts';
import { PuppetClient12, PuppetServer12 } from '../support/puppet12.ts';
import type { Opened } from '../support/scripted.ts';
import { recordsIn } from '../support/wire.ts';

const none: Bytes = new Uint8Array(0);

/** The puppets of a first handshake, who open records for the second's. */
export class FirstServer extends PuppetServer12 {
  override open(header: Uint8Array, payload: Uint8Array): Opened | undefined {
    return super.open(header, payload);
  }
}

export class FirstClient extends PuppetClient12 {
  override open(header: Uint8Array, payload: Uint8Array): Opened | undefined {
    return super.open(header, payload);
  }
}

/** Both Finished of a handshake, as the side under test saw them. */
export interface VerifyData {
  readonly client: Bytes;
  readonly server: Bytes;
}

/** Listens for them. */
export function listening(role: 'client' | 'server'): {
  readonly trace: (event: TraceEvent) => void;
  readonly seen: () => VerifyData;
} {
  const finished: Partial<Record<'in' | 'out', Bytes>> = {};
  return {
    trace(event) {
      if (event.type === 'message' && event.message.type === 'finished') {
        finished[event.direction] = Uint8Array.from(event.message.verifyData);
      }
    },
    seen() {
      const { in: theirs = none, out: ours = none } = finished;
      return role === 'client' ? { client: ours, server: theirs } : { client: theirs, server: ours };
    },
  };
}

/**
 * The puppet of another handshake: each direction's records are under the keys of the first until its ChangeCipherSpec. It
 * knows nothing of that, and sends and takes plaintext up to there.
 */
export function after<P extends PuppetServer12 | PuppetClient12>(
  first: FirstServer | FirstClient,
  make: new (side: Side) => P,
): P {
  let changed = { in: false, out: false };
  const opened: Bytes[] = [];
  const side: Side = Object.create(first.side, {
    outbox: {
      get() {
        for (const chunk of first.side.outbox.splice(0)) {
          for (const record of recordsIn(chunk)) opened.push(changed.in ? Uint8Array.from(record) : open(record));
        }
        return opened;
      },
    },
  });
  const open = (record: Uint8Array): Bytes => {
    const { type, content } = first.open(record.slice(0, 5), record.slice(5)) ?? assert.fail();
    if (type === contentType.change_cipher_spec) changed = { ...changed, in: true };
    return concat(Uint8Array.of(type, 3, 3, content.length >> 8, content.length & 0xff), content);
  };
  const puppet = new make(side);
  puppet.give = async (bytes) => {
    for (const record of recordsIn(bytes)) {
      const type = record[0] as number;
      await first.give(changed.out ? record : first.seal(type, record.subarray(5)));
      if (type === contentType.change_cipher_spec) changed = { ...changed, out: true };
    }
  };
  return puppet;
}
