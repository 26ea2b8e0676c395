/**
 * Recordings as captures and back, and captures of whoever: their formats, their gaps, and files that lie.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nodeProvider } from '@handfast/crypto/node';
import { webProvider } from '@handfast/crypto/web';
import {
  CaptureError,
  fromBase64,
  type RecordedEvent,
  type Recording,
  readCapture,
  readRecording,
  writePcapng,
} from '../../src/index.ts';
import { clientCredential, expired, now, play } from '../support/connection.ts';

const details = { wire: true, plaintext: true } as const;
const provider = nodeProvider;

const said = ['a question', new Uint8Array(40_000).fill(7)] as const;

function recorded(version: 'TLS 1.3' | 'TLS 1.2' = 'TLS 1.3'): Recording {
  return play({
    ...{ version, details, secrets: true, said },
    client: { credentials: [clientCredential], alpnProtocols: ['h2'] },
    server: { clientCertificate: 'require', alpnProtocols: ['h2'] },
  }).client;
}

/** What a capture can tell of a recording, by direction: sides pass in a capture as they did, and not as they were worked on. */
function known({ events }: Recording, direction: 'in' | 'out'): readonly object[] {
  const types: ReadonlySet<RecordedEvent['type']> = new Set(['message', 'wire', 'data', 'alert']);
  return events.flatMap(({ at: _, ...event }) =>
    types.has(event.type) && 'direction' in event && event.direction === direction ? [event] : [],
  );
}

function byType(events: readonly object[]): Readonly<Record<string, readonly object[]>> {
  return Object.groupBy(events, (event) => String((event as RecordedEvent).type)) as Record<string, object[]>;
}

/** The packets of a capture of ours, with their blocks. */
function blocksOf(file: Uint8Array): Uint8Array[] {
  const view = new DataView(file.buffer, file.byteOffset);
  const blocks: Uint8Array[] = [];
  for (let at = 0; at < file.length; at += view.getUint32(at + 4, true)) {
    blocks.push(file.slice(at, at + view.getUint32(at + 4, true)));
  }
  return blocks;
}

const isPacket = (block: Uint8Array): boolean => block[0] === 6;

function rebuilt(file: Uint8Array, change: (packets: Uint8Array[]) => readonly Uint8Array[]): Uint8Array {
  const blocks = blocksOf(file);
  return Buffer.concat([...blocks.filter((one) => !isPacket(one)), ...change(blocks.filter(isPacket))]);
}

async function only(file: Uint8Array, keyLog?: string): Promise<Recording> {
  const { recordings } = await readCapture(file, { provider, ...(keyLog !== undefined && { keyLog }) });
  assert.equal(recordings.length, 1);
  return recordings[0] as Recording;
}

/** The packets as the older format has them. */
function asPcap(file: Uint8Array, options: { bigEndian?: boolean; nanoseconds?: boolean } = {}): Uint8Array {
  const little = options.bigEndian !== true;
  const head = new DataView(new ArrayBuffer(24));
  head.setUint32(0, options.nanoseconds ? 0xa1b2_3c4d : 0xa1b2_c3d4, little);
  head.setUint16(4, 2, little);
  head.setUint16(6, 4, little);
  head.setUint32(16, 65_535, little);
  head.setUint32(20, 101, little);
  const packets = blocksOf(file)
    .filter(isPacket)
    .map((block) => {
      const from = new DataView(block.buffer, block.byteOffset);
      const micros = from.getUint32(12, true) * 2 ** 32 + from.getUint32(16, true);
      const length = from.getUint32(20, true);
      const own = new DataView(new ArrayBuffer(16));
      own.setUint32(0, Math.floor(micros / 1e6), little);
      own.setUint32(4, (micros % 1e6) * (options.nanoseconds ? 1000 : 1), little);
      own.setUint32(8, length, little);
      own.setUint32(12, length, little);
      return Buffer.concat([Buffer.from(own.buffer), block.subarray(28, 28 + length)]);
    });
  return Buffer.concat([Buffer.from(head.buffer), ...packets]);
}

describe('a recording as pcapng', () => {
  for (const version of ['TLS 1.3', 'TLS 1.2'] as const) {
    for (const [name, by] of Object.entries({ node: nodeProvider, web: webProvider })) {
      it(`of ${version} comes back as it was, decrypted, by the ${name} provider`, async () => {
        const recording = recorded(version);
        const { recordings, notes } = await readCapture(writePcapng(recording), { provider: by });
        const [back] = recordings;
        assert.ok(back);
        assert.deepEqual([notes, recordings.length], [[], 1]);
        for (const direction of ['in', 'out'] as const) {
          assert.deepEqual(byType(known(back, direction)), byType(known(recording, direction)));
        }
        assert.deepEqual(back.negotiated, recording.negotiated);
        assert.deepEqual([...(back.keyLog ?? [])].sort(), [...(recording.keyLog ?? [])].sort());
        assert.deepEqual([back.target, back.started, back.error], ['localhost:443', now.toISOString(), undefined]);
        assert.deepEqual(back.peer?.chain, recording.peer?.chain);
        assert.equal(back.events.filter(({ type }) => type === 'established').length, 1);
        assert.equal(back.events.at(-1)?.type, 'closed');
        assert.deepEqual(readRecording(JSON.parse(JSON.stringify(back))), back);
      });
    }
  }

  it('of a server tells the same connection', async () => {
    const { client, server } = play({ details, secrets: true, said });
    const back = await only(writePcapng(server));
    for (const direction of ['in', 'out'] as const) {
      assert.deepEqual(byType(known(back, direction)), byType(known(client, direction)));
    }
  });

  it('of a failure tells the alert and who sent it', async () => {
    const back = await only(writePcapng(play({ details, secrets: true, server: { credentials: [expired] } }).client));
    assert.deepEqual(
      [back.error?.code, back.error?.origin, back.error?.alert, back.error?.phase],
      ['peer_alert', 'local', 'certificate_expired', 'handshake'],
    );
  });

  it('needs the bytes of the wire', () => {
    assert.throws(
      () => writePcapng(play().client),
      (error) =>
        error instanceof CaptureError &&
        /no bytes of the wire/.test(error.message) &&
        /traceDetails/.test(error.hint ?? ''),
    );
  });

  it('has the right checksums', () => {
    for (const block of blocksOf(writePcapng(recorded())).filter(isPacket)) {
      const length = new DataView(block.buffer, block.byteOffset).getUint32(20, true);
      const packet = block.subarray(28, 28 + length);
      const pseudo = [...packet.subarray(12, 20), 0, 6, (length - 20) >> 8, (length - 20) & 0xff];
      assert.equal(sumOf(packet.subarray(0, 20)), 0xffff);
      assert.equal(sumOf([...pseudo, ...packet.subarray(20)]), 0xffff);
    }
  });
});

function sumOf(bytes: ArrayLike<number>): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += ((bytes[at] ?? 0) << 8) + (bytes[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum;
}

describe('a capture that is read', () => {
  const recording = recorded();
  const file = writePcapng(recording);
  const keyLog = (recording.keyLog ?? []).join('\n');
  const textOf = ({ events }: Recording): string =>
    Buffer.concat(
      events.flatMap((event) => (event.type === 'data' && event.direction === 'out' ? [fromBase64(event.bytes)] : [])),
    ).toString();

  it('may have its key log beside it', async () => {
    const { keyLog: _, ...without } = recording;
    const bare = writePcapng(without);
    const { recordings, notes } = await readCapture(bare, { provider });
    assert.equal(textOf(recordings[0] as Recording), '');
    assert.match(
      notes.join(),
      /^connection 1 \(192\.0\.2\.1:50000 → 192\.0\.2\.2:443\): \d+ records could not be decrypted: /,
    );
    assert.equal(textOf(await only(bare, keyLog)), 'a question');
  });

  it('may be of the older format, in any order of bytes and unit of time', async () => {
    for (const options of [{}, { bigEndian: true }, { nanoseconds: true }, { bigEndian: true, nanoseconds: true }]) {
      const back = await only(asPcap(file, options), keyLog);
      assert.deepEqual([textOf(back), back.started], ['a question', now.toISOString()]);
    }
  });

  it('may have its packets twice, late and in pieces', async () => {
    const twice = rebuilt(file, (packets) => packets.flatMap((one) => [one, one]));
    assert.deepEqual(await only(twice), await only(file));
    const swapped = rebuilt(file, ([syn, synAck, ack, hello, ...rest]) => {
      assert.ok(syn && synAck && ack && hello);
      const late: Uint8Array[] = [];
      for (let at = 0; at < rest.length; at += 4) late.push(...rest.slice(at, at + 4).reverse());
      return [syn, synAck, ack, hello, ...late];
    });
    const back = await only(swapped);
    assert.equal(textOf(back), 'a question');
    assert.equal(back.events.filter(({ type }) => type === 'data').length, 4);
  });

  it('may have begun in the middle, and tells then what it can', async () => {
    const later = rebuilt(file, (packets) => packets.slice(3));
    assert.equal(textOf(await only(later)), 'a question');
    const { recordings } = await readCapture(
      rebuilt(file, (packets) => packets.slice(8)),
      { provider },
    );
    assert.deepEqual(recordings.map(textOf), []);
  });

  it('says where bytes are missing, and reads what is before', async () => {
    const { recordings, notes } = await readCapture(
      rebuilt(file, (packets) => packets.filter((_, index) => index !== packets.length - 10)),
      { provider },
    );
    assert.deepEqual(notes, [
      'connection 1 (192.0.2.1:50000 → 192.0.2.2:443): bytes of the server are missing in the capture',
    ]);
    assert.equal(textOf(recordings[0] as Recording), 'a question');
  });

  it('may end anywhere: what is there is read, and where it ends is said', async () => {
    const blocks = blocksOf(file);
    const cut = file.subarray(0, file.length - (blocks.at(-1)?.length ?? 0) - 7);
    const { recordings, notes } = await readCapture(cut, { provider });
    const [before] = [blocks.slice(0, -2).reduce((sum, { length }) => sum + length, 0)];
    assert.match(
      notes.join(),
      new RegExp(`^at byte ${before}: a block of \\d+ bytes begins here, and \\d+ are left: the file is cut off$`),
    );
    assert.equal(textOf(recordings[0] as Recording), 'a question');
    for (let length = 28; length < file.length; length += 997) {
      await readCapture(file.subarray(0, length), { provider });
      await readCapture(asPcap(file).subarray(0, length), { provider });
    }
  });

  it('is refused at the byte that is wrong', async () => {
    const changed = (offset: number, bytes: readonly number[]): Uint8Array => {
      const copy = Uint8Array.from(file);
      copy.set(bytes, offset);
      return copy;
    };
    const second = new DataView(file.buffer).getUint32(4, true);
    const cases: readonly (readonly [Uint8Array, number | undefined, RegExp])[] = [
      [new Uint8Array(0), 0, /this is no capture/],
      [Buffer.from('GET / HTTP/1.1\r\n'), 0, /^at byte 0: this is no capture: neither pcapng nor pcap begins so$/],
      [changed(8, [1, 2, 3, 4]), 8, /without the byte-order magic/],
      [changed(12, [9]), 12, /pcapng of version 9, where 1 is known/],
      [changed(second + 4, [0, 0, 0, 0]), second + 4, /a block of 0 bytes: none has such a length/],
      [changed(second + 4, [13, 0, 0, 0]), second + 4, /a block of 13 bytes: none has such a length/],
      [changed(4, [16, 0, 0, 0]), 12, /a block's two lengths differ: 16 and \d+/],
    ];
    for (const [bytes, offset, message] of cases) {
      await assert.rejects(
        readCapture(bytes, { provider }),
        (error) => error instanceof CaptureError && error.offset === offset && message.test(error.message),
        String(message),
      );
    }
  });

  it('holds lengths that lie against their block', async () => {
    const blocks = blocksOf(file);
    const at = (type: number): number => {
      const index = blocks.findIndex((one) => one[0] === type && one[1] === 0);
      return blocks.slice(0, index).reduce((sum, { length }) => sum + length, 0);
    };
    for (const [offset, reason] of [
      [at(6) + 20, /4294967295 bytes should follow, and the block has \d+/],
      [at(10) + 12, /4294967295 bytes should follow, and the block has \d+/],
      [at(6) + 8, /a packet of interface 4294967295, which nobody described/],
    ] as const) {
      const copy = Uint8Array.from(file);
      copy.set([255, 255, 255, 255], offset);
      await assert.rejects(
        readCapture(copy, { provider }),
        (error) => error instanceof CaptureError && reason.test(error.message),
      );
    }
  });

  it('does nothing but refuse, whatever its bytes are', async () => {
    // A small generator, so that every run sees the same files.
    let state = 1;
    const random = (below: number): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    const small = writePcapng(play({ details, secrets: true, said: ['x'] }).client);
    for (let turn = 0; turn < 150; turn++) {
      const copy = Uint8Array.from(small);
      for (let changes = 1 + random(6); changes > 0; changes--) copy[random(copy.length)] = random(256);
      try {
        const { recordings } = await readCapture(copy, { provider });
        for (const one of recordings) readRecording(JSON.parse(JSON.stringify(one)));
      } catch (error) {
        assert.ok(error instanceof CaptureError, String(error));
      }
    }
  });

  it('is read up to its limits', async () => {
    const { recordings, notes } = await readCapture(file, { provider, limits: { bytes: 10_000 } });
    assert.match(notes.join(), /the connection has more than 10000 bytes: the rest of them is not read/);
    assert.equal(textOf(recordings[0] as Recording), 'a question');
    const none = await readCapture(file, { provider, limits: { connections: 0 } });
    assert.deepEqual(none.recordings, []);
    assert.match(none.notes.join(), /connections more are in the capture: they were not read/);
  });

  it('tells connections apart, also where one has the ports of another', async () => {
    const other = writePcapng(play({ details, secrets: true, said: ['another'] }).client);
    const { recordings } = await readCapture(Buffer.concat([file, other]), { provider });
    assert.deepEqual(recordings.map(textOf), ['a question', 'another']);
  });

  it('passes over what is no TLS, and says so', async () => {
    const copy: Recording = {
      ...recording,
      events: [
        { at: 0, type: 'wire', direction: 'out', bytes: Buffer.from('GET / HTTP/1.1\r\n\r\n').toString('base64') },
      ],
    };
    const { recordings, notes } = await readCapture(writePcapng(copy), { provider });
    assert.deepEqual(
      [recordings, notes],
      [[], ['connection 1 (192.0.2.1:50000 → 192.0.2.2:443): it does not begin with TLS']],
    );
  });

  it('is a recording that can be drawn, exported and read again', async () => {
    const back = await only(file);
    const again = await only(writePcapng(back));
    assert.deepEqual(again, back);
  });
});
