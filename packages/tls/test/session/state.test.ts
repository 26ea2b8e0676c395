/**
 * What a server writes into a ticket is read back as it was, and nothing else is read at all.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Bytes, concat, copyBytes } from '@handfast/crypto';
import fc from 'fast-check';
import { TlsError } from '../../src/errors.ts';
import { readState, type SessionState, writeState } from '../../src/session/state.ts';

const bytes = (minLength: number, maxLength: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength, maxLength });
/** A text of bytes, as names and protocols come off the wire. */
const latin1 = (maxLength: number): fc.Arbitrary<string> =>
  bytes(0, maxLength).map((array) => String.fromCharCode(...array));
const maybe = <T>(some: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(some, { nil: undefined });

/** Plain objects: others are not equal to what is read. */
const plain = { noNullPrototype: true } as const;

const anyState: fc.Arbitrary<SessionState> = fc.record(
  {
    version: fc.constantFrom(0x0301, 0x0303, 0x0304, 0xffff),
    cipherSuite: fc.nat(0xffff),
    secret: bytes(1, 255),
    issued: fc.maxSafeNat(),
    authenticated: fc.oneof(fc.constantFrom(0, 2 ** 32 - 1, 2 ** 32), fc.maxSafeNat()),
    lifetime: fc.nat(604_800),
    ageAdd: fc.nat(0xffff_ffff),
    maxEarlyData: fc.nat(0xffff_ffff),
    extendedMasterSecret: fc.boolean(),
    serverName: maybe(latin1(300)),
    alpnProtocol: maybe(latin1(255)),
    serverLeaf: bytes(32, 32),
    askedForCertificate: fc.boolean(),
    client: maybe(
      fc.record(
        {
          chain: fc.array(bytes(1, 700), { minLength: 1, maxLength: 4 }),
          ocspResponse: maybe(bytes(1, 700)),
          signedCertificateTimestamps: maybe(bytes(1, 300)),
        },
        plain,
      ),
    ),
  },
  plain,
) as fc.Arbitrary<SessionState>;

const leaf = new Uint8Array(32).fill(5);
const full: SessionState = {
  version: 0x0304,
  cipherSuite: 0x1302,
  secret: new Uint8Array(48).fill(9),
  issued: 1_795_262_400_000,
  authenticated: 1_795_000_000_001,
  lifetime: 7200,
  ageAdd: 0xfedc_ba98,
  maxEarlyData: 4096,
  extendedMasterSecret: true,
  serverName: 'localhost',
  alpnProtocol: 'h2',
  serverLeaf: leaf,
  askedForCertificate: true,
  client: {
    chain: [Uint8Array.of(0x30, 1, 2), Uint8Array.of(0x30, 3)],
    ocspResponse: Uint8Array.of(0x30, 4),
    signedCertificateTimestamps: Uint8Array.of(0, 1, 5),
  },
};
const least: SessionState = {
  ...full,
  secret: Uint8Array.of(1),
  issued: 0,
  authenticated: 0,
  lifetime: 0,
  ageAdd: 0,
  extendedMasterSecret: false,
  serverName: undefined,
  alpnProtocol: undefined,
  askedForCertificate: false,
  client: undefined,
};

/** Where the lengths stand: after what has a fixed one. */
const nameAt = 1 + 2 + 2 + 8 + 8 + 4 + 4 + 4 + 1;

function refused(changed: Uint8Array, message: RegExp): void {
  assert.throws(
    () => readState(changed),
    (error) => error instanceof TlsError && error.code === 'decode_error' && message.test(error.message),
  );
}

const put = (state: Bytes, at: number, ...values: readonly number[]): Bytes => {
  const changed = copyBytes(state);
  changed.set(values, at);
  return changed;
};

describe('the state in a ticket', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(anyState, (state) => {
        assert.deepEqual(readState(writeState(state)), state);
      }),
      { numRuns: 300 },
    );
  });

  it('tells an empty name and an empty protocol from none', () => {
    const { serverName, alpnProtocol } = readState(writeState({ ...full, serverName: '', alpnProtocol: '' }));
    assert.deepEqual([serverName, alpnProtocol], ['', '']);
    const without = readState(writeState(least));
    assert.deepEqual([without.serverName, without.alpnProtocol], [undefined, undefined]);
  });

  it('has the form that is written down', () => {
    const written = writeState({ ...full, client: undefined });
    const expected = concat(
      Uint8Array.of(1, 3, 4, 0x13, 2),
      // 1,795,262,400,000 and 1,795,000,000,001
      Uint8Array.of(0, 0, 1, 0xa1, 0xfd, 0xfa, 0x46, 0, 0, 0, 1, 0xa1, 0xee, 0x56, 0x5e, 1),
      Uint8Array.of(0, 0, 0x1c, 0x20, 0xfe, 0xdc, 0xba, 0x98, 0, 0, 0x10, 0, 1 | 2 | 4 | 8),
      Uint8Array.of(0, 9, ...Buffer.from('localhost'), 2, ...Buffer.from('h2')),
      leaf,
      Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 48),
      full.secret,
    );
    assert.deepEqual(written, expected);
  });

  it('is read into memory of its own: the ticket may be wiped', () => {
    const written = writeState(full);
    const state = readState(written);
    written.fill(0xaa);
    assert.deepEqual(state, full);
  });

  it('is a decode_error wherever it is cut off', () => {
    for (const state of [full, least]) {
      const written = writeState(state);
      for (let length = 0; length < written.length; length++) refused(written.subarray(0, length), /^session state: /);
    }
  });

  it('is a decode_error with bytes after it', () => {
    refused(concat(writeState(full), Uint8Array.of(0)), /^session state: 1 bytes left over after its last field$/);
    refused(concat(writeState(full), writeState(full)), /bytes left over after its last field$/);
  });

  it('is a decode_error in another format', () => {
    for (const format of [0, 2, 255]) {
      refused(put(writeState(full), 0, format), new RegExp(`^session state: format ${format}, not 1$`));
    }
  });

  it('is a decode_error where a length says more, or less, than there is', () => {
    const written = writeState(full);
    for (const [at, ...length] of [
      [nameAt, 0xff, 0xff],
      [nameAt, 0, 8],
      [nameAt + 11, 0xff],
      [nameAt + 14 + 32, 0xff, 0xff, 0xff],
      [nameAt + 14 + 32, 0, 0, 1],
      // A certificate without bytes.
      [nameAt + 14 + 32 + 3, 0, 0, 0],
      [written.length - 49, 0],
      [written.length - 49, 47],
      [written.length - 49, 49],
    ] as const) {
      refused(put(written, at, ...length), /^session state/);
    }
  });

  it('is never more than a decode_error, whatever its bytes are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (random, ours) => {
        try {
          readState(ours ? concat(Uint8Array.of(1), random) : random);
        } catch (error) {
          assert.ok(error instanceof TlsError);
          assert.equal(error.code, 'decode_error');
        }
      }),
      { numRuns: 300 },
    );
  });

  it('with a bit changed reads as something else, or not at all', () => {
    const written = writeState(full);
    fc.assert(
      fc.property(fc.nat(written.length * 8 - 1), (bit) => {
        const changed = copyBytes(written);
        changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
        let state: SessionState;
        try {
          state = readState(changed);
        } catch (error) {
          assert.equal((error as TlsError).code, 'decode_error');
          return;
        }
        // Three bits of the flags mean nothing.
        if (bit >> 3 !== nameAt - 1 || (bit & 7) < 5) assert.notDeepEqual(state, full);
      }),
      { numRuns: 300 },
    );
  });
});
