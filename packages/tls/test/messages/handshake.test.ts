/**
 * Handshake messages (RFC 9846 §4): each is read as it was written; anything else ends in a `TlsError`, whatever the
 * bytes; the largest ClientHello takes no more than its size.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Bytes, concat, copyBytes } from '@handfast/crypto';
import fc from 'fast-check';
import { TlsError, type TlsErrorCode } from '../../src/index.ts';
import { writeCertificate } from '../../src/messages/certificate.ts';
import { writeCertificateRequest } from '../../src/messages/certificate-request.ts';
import { signedContent, writeCertificateVerify } from '../../src/messages/certificate-verify.ts';
import { type ClientHello, readClientHello, writeClientHello } from '../../src/messages/client-hello.ts';
import { writeEncryptedExtensions } from '../../src/messages/encrypted-extensions.ts';
import { writeEndOfEarlyData } from '../../src/messages/end-of-early-data.ts';
import { writeFinished } from '../../src/messages/finished.ts';
import {
  type HandshakeMessage,
  type MessageOf,
  type MessageTable,
  type MessageType,
  maxMessageLength,
  readHandshake,
} from '../../src/messages/handshake.ts';
import { writeKeyUpdate } from '../../src/messages/key-update.ts';
import { Reader } from '../../src/messages/reader.ts';
import { writeHelloRetryRequest, writeServerHello } from '../../src/messages/server-hello.ts';
import { HandshakeJoiner } from '../../src/record/joiner.ts';
import { messages12 } from '../../src/tls12/messages.ts';
import { messages13 } from '../../src/tls13/messages.ts';
import { startServer } from '../support/pair.ts';
import { PuppetClient } from '../support/puppet.ts';
import { extension, handshake, opaque8, opaque16, record, u16 } from '../support/wire.ts';

const everything: ReadonlySet<number> = Object.assign(new Set<number>(), { has: () => true });
const none: Bytes = new Uint8Array(0);
const tables: readonly MessageTable[] = [messages13, messages12];

function read<T extends MessageType>(raw: Bytes, type: T): MessageOf<T> {
  const message: HandshakeMessage = readHandshake(messages13, raw, everything);
  assert.equal(message.type, type);
  assert.equal(message.raw, raw);
  return message as MessageOf<T>;
}

const refused =
  (code: TlsErrorCode, message: RegExp) =>
  (error: unknown): boolean =>
    error instanceof TlsError && error.code === code && message.test(error.message);

const u16s = (minLength = 1): fc.Arbitrary<number[]> =>
  fc.array(fc.integer({ min: 0, max: 0xffff }), { minLength, maxLength: 8 });
const bytes = (minLength: number, maxLength: number): fc.Arbitrary<Bytes> =>
  fc.uint8Array({ minLength, maxLength }).map((made) => copyBytes(made));
const exactly = (length: number): fc.Arbitrary<Bytes> => bytes(length, length);
const plain = { noNullPrototype: true };
const optional = { requiredKeys: [] as [], ...plain };
const keyShare = fc.record({ group: fc.integer({ min: 0, max: 0xffff }), keyExchange: bytes(1, 80) }, plain);
const latin1Name = bytes(1, 40).map((name) => Buffer.from(name).toString('latin1'));
const visibleName = fc.stringMatching(/^[a-z0-9.-]{1,40}$/);
const limit = fc.integer({ min: 0, max: 0xffff });

const clientHello = fc.record({
  random: exactly(32),
  legacySessionId: bytes(0, 32),
  cipherSuites: u16s(),
  extensions: fc.record(
    {
      server_name: visibleName,
      supported_groups: u16s(),
      signature_algorithms: u16s(),
      signature_algorithms_cert: u16s(),
      application_layer_protocol_negotiation: fc.array(latin1Name, { minLength: 1, maxLength: 4 }),
      record_size_limit: limit,
      supported_versions: u16s(),
      cookie: bytes(1, 60),
      psk_key_exchange_modes: fc.array(fc.nat(255), { minLength: 1, maxLength: 4 }),
      early_data: fc.constant(true as const),
      certificate_authorities: fc.array(bytes(1, 30), { minLength: 1, maxLength: 3 }),
      post_handshake_auth: fc.constant(true as const),
      key_share: fc.array(keyShare, { maxLength: 3 }),
      pre_shared_key: fc.record(
        {
          identities: fc.array(
            fc.record({ identity: bytes(1, 40), obfuscatedTicketAge: fc.integer({ min: 0, max: 0xffff_ffff }) }, plain),
            { minLength: 1, maxLength: 2 },
          ),
          binders: fc.array(bytes(32, 48), { minLength: 1, maxLength: 2 }),
        },
        plain,
      ),
    },
    optional,
  ),
});

const helloFields = { legacySessionIdEcho: bytes(0, 32), cipherSuite: limit };

describe('handshake messages', () => {
  describe('are read as they were written', () => {
    it('ClientHello', () => {
      fc.assert(
        fc.property(clientHello, (fields) => {
          const message = read(writeClientHello(fields), 'client_hello');
          assert.deepEqual(message.random, fields.random);
          assert.deepEqual(message.legacySessionId, fields.legacySessionId);
          assert.deepEqual(message.cipherSuites, fields.cipherSuites);
          assert.deepEqual({ ...message.extensions }, { ...fields.extensions });
          assert.deepEqual([...message.legacyCompressionMethods], [0]);
          assert.equal(message.legacyVersion, 0x0303);
        }),
      );
    });

    it('ServerHello', () => {
      const fields = fc.record({
        ...helloFields,
        random: exactly(32),
        version: limit,
        extensions: fc.record({ key_share: keyShare, pre_shared_key: limit }, optional),
      });
      fc.assert(
        fc.property(fields, ({ version, ...rest }) => {
          const extensions = { ...rest.extensions, supported_versions: version };
          const message = read(writeServerHello({ ...rest, extensions }), 'server_hello');
          assert.deepEqual({ ...message.extensions }, extensions);
          assert.equal(message.cipherSuite, rest.cipherSuite);
          assert.deepEqual(message.legacySessionIdEcho, rest.legacySessionIdEcho);
        }),
      );
    });

    it('HelloRetryRequest, told apart by its random', () => {
      const fields = fc.record({
        ...helloFields,
        extensions: fc.record({ supported_versions: limit, key_share: limit, cookie: bytes(1, 40) }, optional),
      });
      fc.assert(
        fc.property(fields, (made) => {
          const message = read(writeHelloRetryRequest(made), 'hello_retry_request');
          assert.deepEqual({ ...message.extensions }, { ...made.extensions });
        }),
      );
    });

    it('EncryptedExtensions', () => {
      const fields = fc.record(
        {
          server_name: fc.constant(true as const),
          supported_groups: u16s(),
          application_layer_protocol_negotiation: latin1Name,
          record_size_limit: limit,
          early_data: fc.constant(true as const),
        },
        optional,
      );
      fc.assert(
        fc.property(fields, (made) => {
          assert.deepEqual({ ...read(writeEncryptedExtensions(made), 'encrypted_extensions').extensions }, { ...made });
        }),
      );
    });

    it('CertificateRequest', () => {
      const fields = fc.record(
        {
          signature_algorithms: u16s(),
          signature_algorithms_cert: u16s(),
          certificate_authorities: fc.array(bytes(1, 30), { minLength: 1, maxLength: 3 }),
        },
        optional,
      );
      fc.assert(
        fc.property(bytes(0, 255), fields, (context, made) => {
          const message = read(writeCertificateRequest(context, made), 'certificate_request');
          assert.deepEqual(message.requestContext, context);
          assert.deepEqual({ ...message.extensions }, { ...made });
        }),
      );
    });

    it('Certificate, CertificateVerify, Finished, KeyUpdate, EndOfEarlyData', () => {
      fc.assert(
        fc.property(bytes(0, 255), fc.array(bytes(1, 400), { maxLength: 4 }), limit, (context, chain, algorithm) => {
          const certificate = read(writeCertificate(context, chain), 'certificate');
          assert.deepEqual(certificate.requestContext, context);
          assert.deepEqual(certificate.chain, chain);
          const verify = read(writeCertificateVerify(algorithm, context), 'certificate_verify');
          assert.deepEqual([verify.algorithm, verify.signature], [algorithm, context]);
          assert.deepEqual(read(writeFinished(context), 'finished').verifyData, context);
        }),
      );
      for (const asked of [true, false]) assert.equal(read(writeKeyUpdate(asked), 'key_update').updateRequested, asked);
      const endOfEarlyData = writeEndOfEarlyData();
      assert.deepEqual([...endOfEarlyData], [5, 0, 0, 0]);
      assert.deepEqual(Object.keys(read(endOfEarlyData, 'end_of_early_data')), ['type', 'raw']);
    });

    it('NewSessionTicket', () => {
      const raw = handshake(
        4,
        concat(
          u16(0),
          u16(7200),
          u16(0xffff),
          u16(0xfffe),
          opaque8(Uint8Array.of(1)),
          opaque16(Uint8Array.of(2, 3)),
          opaque16(concat(extension(42, new Uint8Array(4).fill(0xff)), extension(0xfafa))),
        ),
      );
      const ticket = read(raw, 'new_session_ticket');
      assert.deepEqual([ticket.ticketLifetime, ticket.ticketAgeAdd], [7200, 0xffff_fffe]);
      assert.deepEqual([[...ticket.ticketNonce], [...ticket.ticket]], [[1], [2, 3]]);
      assert.equal(ticket.extensions.early_data, 0xffff_ffff);
    });
  });

  describe('of any bytes end in a TlsError or a message', () => {
    const attempt = (raw: Bytes, offered: ReadonlySet<number>, table: MessageTable = messages13): void => {
      const before = copyBytes(raw);
      try {
        readHandshake(table, raw, offered);
      } catch (error) {
        assert.ok(error instanceof TlsError, `${error}`);
        assert.notEqual(error.code, 'internal');
        assert.ok(error.message.length < 600, error.message);
      }
      assert.deepEqual(raw, before);
    };
    const sets: readonly ReadonlySet<number>[] = [new Set(), everything];

    it('random bodies', () => {
      fc.assert(
        fc.property(
          fc.constantFrom(...tables.flatMap((table) => [...table.keys()].map((type) => ({ table, type })))),
          fc.uint8Array({ maxLength: 200 }),
          fc.constantFrom(...sets),
          ({ table, type }, body, offered) => attempt(handshake(type, body), offered, table),
        ),
        { numRuns: 2000 },
      );
    });

    it('good messages with bytes changed, cut or put in', () => {
      const good = fc.oneof(
        clientHello.map((fields) => writeClientHello(fields)),
        bytes(1, 60).map((data) => writeCertificate(none, [data, data])),
        bytes(1, 60).map((cookie) =>
          writeHelloRetryRequest({
            legacySessionIdEcho: none,
            cipherSuite: 1,
            extensions: { supported_versions: 0x0304, key_share: 29, cookie },
          }),
        ),
        keyShare.map((share) =>
          writeServerHello({
            random: new Uint8Array(32),
            legacySessionIdEcho: none,
            cipherSuite: 0x1301,
            extensions: { supported_versions: 0x0304, key_share: share },
          }),
        ),
        u16s().map((list) =>
          writeCertificateRequest(none, { signature_algorithms: list, certificate_authorities: [Uint8Array.of(1)] }),
        ),
        latin1Name.map((name) =>
          writeEncryptedExtensions({
            server_name: true,
            application_layer_protocol_negotiation: name,
            record_size_limit: 64,
          }),
        ),
      );
      const change = fc.record({ at: fc.nat(), kind: fc.constantFrom('set', 'cut', 'insert'), value: fc.nat(255) });
      fc.assert(
        fc.property(good, fc.array(change, { minLength: 1, maxLength: 4 }), (raw, changes) => {
          let body: Bytes = raw.slice(4);
          for (const { at, kind, value } of changes) {
            const place = body.length === 0 ? 0 : at % body.length;
            if (kind === 'set' && body.length > 0) body = body.with(place, value);
            else if (kind === 'cut') body = body.slice(0, place);
            else body = concat(body.subarray(0, place), Uint8Array.of(value), body.subarray(place));
          }
          attempt(handshake(raw[0] as number, body), everything);
        }),
        { numRuns: 2000 },
      );
    });

    it('every prefix of a good message is a decode_error', () => {
      const share = { group: 29, keyExchange: new Uint8Array(32) };
      const certificates = writeCertificate(Uint8Array.of(1), [Uint8Array.of(2), Uint8Array.of(3, 4)]);
      const messages = [
        certificates,
        writeCertificateRequest(none, { signature_algorithms: [1, 2] }),
        writeCertificateVerify(0x0403, Uint8Array.of(1, 2, 3)),
        writeEncryptedExtensions({ record_size_limit: 100 }),
        writeKeyUpdate(true),
        writeEndOfEarlyData(),
        writeServerHello({
          random: new Uint8Array(32),
          legacySessionIdEcho: none,
          cipherSuite: 1,
          extensions: { supported_versions: 0x0304, key_share: share },
        }),
        writeClientHello({
          random: new Uint8Array(32),
          legacySessionId: none,
          cipherSuites: [1],
          extensions: { key_share: [share] },
        }),
      ];
      for (const raw of messages) {
        const body = raw.slice(4);
        for (let length = 0; length < body.length; length++) {
          const cut = handshake(raw[0] as number, body.slice(0, length));
          // Hellos of earlier versions end before their extensions.
          const isLegacyHello = (raw[0] === 1 && length === 41) || (raw[0] === 2 && length === 38);
          if (isLegacyHello) readHandshake(messages13, cut, everything);
          else
            assert.throws(
              () => readHandshake(messages13, cut, everything),
              refused('decode_error', /./),
              `${raw[0]}, ${length}`,
            );
        }
        assert.throws(
          () => readHandshake(messages13, handshake(raw[0] as number, concat(body, Uint8Array.of(0))), everything),
          TlsError,
        );
      }
    });
  });

  describe('refuse', () => {
    const hello = (suites: Uint8Array, compression: Uint8Array, session: Uint8Array = none): Bytes =>
      handshake(
        1,
        concat(u16(0x0303), new Uint8Array(32), opaque8(session), opaque16(suites), opaque8(compression), u16(0)),
      );
    const cases: readonly [string, Bytes, RegExp, TlsErrorCode?][] = [
      ['a ClientHello without suites', hello(none, Uint8Array.of(0)), /a vector of 0 bytes/],
      [
        'a ClientHello with an odd list of suites',
        hello(new Uint8Array(3), Uint8Array.of(0)),
        /odd number of bytes in cipher_suites/,
      ],
      ['a ClientHello without compression methods', hello(new Uint8Array(2), none), /a vector of 0 bytes/],
      ['a session id of 33 bytes', hello(new Uint8Array(2), Uint8Array.of(0), new Uint8Array(33)), /0 to 32/],
      [
        'a certificate of 0 bytes in a chain',
        handshake(11, Uint8Array.of(0, 0, 0, 5, 0, 0, 0, 0, 0)),
        /a vector of 0 bytes/,
      ],
      ['a ticket of 0 bytes', handshake(4, new Uint8Array(13)), /a vector of 0 bytes/],
      ['an EndOfEarlyData of one byte', handshake(5, Uint8Array.of(0)), /^EndOfEarlyData: /],
      ['a KeyUpdate of 2', handshake(24, Uint8Array.of(2)), /request_update is 2/, 'illegal_parameter'],
    ];
    for (const [title, raw, message, code = 'decode_error'] of cases) {
      it(title, () => assert.throws(() => readHandshake(messages13, raw, everything), refused(code, message)));
    }
  });

  it('sign 64 spaces, the context string, a zero and the hash', () => {
    const content = Buffer.from(signedContent('server', Uint8Array.of(1, 2)));
    assert.equal(content.toString('latin1'), `${' '.repeat(64)}TLS 1.3, server CertificateVerify\0\u0001\u0002`);
    assert.match(
      Buffer.from(signedContent('client', none)).toString('latin1'),
      /^ {64}TLS 1\.3, client CertificateVerify\0$/,
    );
  });
});

/** A hello with `count` empty extensions of types that nobody knows. */
function helloWithExtensions(count: number): Bytes {
  const known = new Set([0, 1, 5, 10, 11, 13, 14, 15, 16, 18, 19, 20, 21, 22, 23, 27, 28, 34, 35]);
  const list: Bytes[] = [];
  for (let type = 100; list.length < count; type++) if (!known.has(type)) list.push(extension(type));
  return handshake(
    1,
    concat(
      u16(0x0303),
      new Uint8Array(32),
      opaque8(none),
      opaque16(new Uint8Array(2)),
      opaque8(new Uint8Array(1)),
      opaque16(concat(...list)),
    ),
  );
}

/** Reads a hello while counting the reads of its bytes and the bytes copied out of it. */
function workOf(raw: Bytes): number {
  let work = 0;
  const counted = new Proxy(raw, {
    get(target, key) {
      if (typeof key === 'string' && /^\d+$/.test(key)) work++;
      const value: unknown = Reflect.get(target, key, target);
      if (key === 'subarray') {
        return (from: number, to: number) => {
          work += to - from;
          return target.subarray(from, to);
        };
      }
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const message: ClientHello = readClientHello(new Reader(counted, 'ClientHello', 4), raw);
  assert.ok(message.extensionList.length > 0);
  return work;
}

describe('the largest ClientHello', () => {
  const largest = (): Bytes => {
    // 2 + 32 + 33 + (2 + 65,534) + 256 + (2 + 65,535) = 131,396
    const block = concat(
      ...[...Array(13_106).keys()].map((i) => extension(100 + i, Uint8Array.of(0))),
      extension(60_000, Uint8Array.of(0)),
    );
    const rest = 65_535 - block.length;
    return handshake(
      1,
      concat(
        u16(0x0303),
        new Uint8Array(32),
        opaque8(new Uint8Array(32)),
        opaque16(new Uint8Array(65_534)),
        opaque8(new Uint8Array(255)),
        opaque16(rest === 0 ? block : concat(block.subarray(0, -5), extension(60_000, new Uint8Array(rest + 1)))),
      ),
    );
  };

  it('is 131,396 bytes, and decodes', () => {
    const raw = largest();
    assert.equal(raw.length - 4, maxMessageLength(messages13, 1, 0));
    assert.equal(raw.length - 4, 131_396);
    const hello = read(raw, 'client_hello');
    assert.equal(hello.cipherSuites.length, 32_767);
    assert.equal(hello.extensionList.length, 13_107);
  });

  it('with 16,000 extensions takes twice the work of one with 8,000', () => {
    const [half, whole] = [workOf(helloWithExtensions(8_000)), workOf(helloWithExtensions(16_000))];
    assert.ok(half > 8_000 * 4 && whole < 2.01 * half, `${half}, ${whole}`);
  });

  it('is joined from records of one byte with copies of the order of its size', () => {
    const raw = helloWithExtensions(16_000);
    const joiner = new HandshakeJoiner();
    let copied = 0;
    const set = Uint8Array.prototype.set;
    Uint8Array.prototype.set = function (this: Uint8Array, source: ArrayLike<number>, offset?: number) {
      copied += source.length;
      set.call(this, source, offset);
    };
    try {
      let taken: Bytes | undefined;
      for (const byte of raw) {
        joiner.append(Uint8Array.of(byte));
        taken ??= joiner.take(131_396);
      }
      assert.deepEqual(taken, raw);
    } finally {
      Uint8Array.prototype.set = set;
    }
    assert.ok(copied < 5 * raw.length, `${copied} bytes`);
  });

  it('reaches a server, which answers it as any other', async () => {
    const client = new PuppetClient(startServer());
    const { extensions, ...fields } = client.helloFields();
    const last = [...Array(16_000).keys()].map((i) => ({ type: 100 + i, data: none }));
    const raw = writeClientHello({ ...fields, extensions, raw: { last } });
    client.transcript.add(raw);
    for (let at = 0; at < raw.length; at += 16_384) await client.give(record(22, raw.subarray(at, at + 16_384)));
    await client.readFlight();
    await client.flight();
    assert.equal(client.side.established, true);
  });

  it('with one byte more is refused by its header', async () => {
    const client = new PuppetClient(startServer());
    await client.give(record(22, Uint8Array.of(1, 2, 1, 0x45)));
    assert.equal(client.side.error?.code, 'message_too_large');
    assert.match(client.side.error?.message ?? '', /ClientHello announces 131397 bytes, where 131396 are the most/);
  });
});
