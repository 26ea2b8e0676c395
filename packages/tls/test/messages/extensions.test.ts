/**
 * Extension blocks (RFC 9846 §4.3): placement by the RFC's own table, duplicates, and answers to nothing.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Bytes, concat } from '@handfast/crypto';
import { TlsError, type TlsErrorCode } from '../../src/index.ts';
import { type Place, readExtensions } from '../../src/messages/extensions.ts';
import { Reader } from '../../src/messages/reader.ts';
import { extensionType } from '../../src/registry.ts';
import { extension, opaque8, opaque16, u16 } from '../support/wire.ts';

const places: readonly Place[] = ['CH', 'SH', 'SH12', 'HRR', 'EE', 'CT', 'CR', 'NST'];
const asking: readonly Place[] = ['CH', 'CR', 'NST'];

/** RFC 9846 §4.3, "TLS Extensions", as it stands there, for the rows that we recognise. */
const rfcTable = `
| server_name | CH, EE, CR |
| status_request | CH, CR, CT |
| supported_groups | CH, EE |
| signature_algorithms | CH, CR |
| use_srtp | CH, EE |
| heartbeat | CH, EE |
| application_layer_protocol_negotiation | CH, EE |
| client_certificate_type | CH, EE |
| server_certificate_type | CH, EE |
| padding | CH |
| compress_certificate | CH, CR |
| record_size_limit | CH, EE |
| delegated_credential | CH, CR, CT |
| pre_shared_key | CH, SH |
| early_data | CH, EE, NST |
| supported_versions | CH, SH, HRR |
| cookie | CH, HRR |
| psk_key_exchange_modes | CH |
| certificate_authorities | CH, CR |
| oid_filters | CR |
| post_handshake_auth | CH |
| signature_algorithms_cert | CH, CR |
| key_share | CH, SH, HRR |
| ticket_request | CH, EE |
| encrypted_client_hello | CH, HRR, EE |`;

/** What that table leaves out: rows of RFC 8446's, and extensions of earlier versions, which a 1.3 server answers not. */
const besides = `
| signed_certificate_timestamp | CH, CR, CT |
| max_fragment_length | CH, EE |
| ec_point_formats | CH |
| encrypt_then_mac | CH |
| extended_master_secret | CH |
| session_ticket | CH |
| renegotiation_info | CH |`;

/** What a server before TLS 1.3 may answer in ServerHello: each by its own RFC, and supported_groups by BIG-IP's habit. */
const before13 = `server_name max_fragment_length status_request supported_groups ec_point_formats use_srtp heartbeat
  application_layer_protocol_negotiation signed_certificate_timestamp client_certificate_type server_certificate_type
  encrypt_then_mac extended_master_secret record_size_limit session_ticket renegotiation_info`.split(/\s+/);

type Name = keyof typeof extensionType;

const placement: ReadonlyMap<Name, readonly Place[]> = new Map(
  [...(rfcTable + besides).matchAll(/^\| (\w+) \| ([\w, ]+) \|$/gm)].map(([, name, where]) => [
    name as Name,
    [...(where ?? '').split(', '), ...(before13.includes(name ?? '') ? ['SH12'] : [])] as Place[],
  ]),
);

const none: Bytes = new Uint8Array(0);
const share: Bytes = concat(u16(29), opaque16(new Uint8Array(32)));

/** A well-formed value for each place where ours decodes it. */
const good: Readonly<Partial<Record<Name, Readonly<Partial<Record<Place, Bytes>>>>>> = {
  server_name: { CH: opaque16(concat(Uint8Array.of(0), opaque16(Buffer.from('localhost')))), EE: none, SH12: none },
  status_request: {
    CH: concat(Uint8Array.of(1), opaque16(none), opaque16(none)),
    CR: none,
    CT: Uint8Array.of(1, 0, 0, 1, 0x30),
  },
  signed_certificate_timestamp: {
    CH: none,
    CR: none,
    CT: opaque16(opaque16(Uint8Array.of(0))),
    SH12: opaque16(opaque16(Uint8Array.of(0))),
  },
  max_fragment_length: { CH: Uint8Array.of(1), EE: Uint8Array.of(1), SH12: Uint8Array.of(1) },
  ec_point_formats: { CH: opaque8(Uint8Array.of(0)), SH12: opaque8(Uint8Array.of(0)) },
  renegotiation_info: { CH: opaque8(none), SH12: opaque8(none) },
  supported_groups: { CH: opaque16(u16(29)), EE: opaque16(u16(29)) },
  signature_algorithms: { CH: opaque16(u16(0x0403)), CR: opaque16(u16(0x0403)) },
  signature_algorithms_cert: { CH: opaque16(u16(0x0403)), CR: opaque16(u16(0x0403)) },
  application_layer_protocol_negotiation: {
    CH: opaque16(opaque8(Buffer.from('h2'))),
    EE: opaque16(opaque8(Buffer.from('h2'))),
    SH12: opaque16(opaque8(Buffer.from('h2'))),
  },
  record_size_limit: { CH: u16(512), EE: u16(512), SH12: u16(512) },
  pre_shared_key: {
    CH: concat(opaque16(concat(opaque16(Uint8Array.of(1)), new Uint8Array(4))), opaque16(opaque8(new Uint8Array(32)))),
    SH: u16(0),
  },
  early_data: { CH: none, EE: none, NST: new Uint8Array(4) },
  supported_versions: { CH: opaque8(u16(0x0304)), SH: u16(0x0304), HRR: u16(0x0304) },
  cookie: { CH: opaque16(Uint8Array.of(1)), HRR: opaque16(Uint8Array.of(1)) },
  ticket_request: { CH: Uint8Array.of(1, 1), EE: Uint8Array.of(1) },
  psk_key_exchange_modes: { CH: Uint8Array.of(1, 1) },
  certificate_authorities: {
    CH: opaque16(opaque16(Uint8Array.of(0x30, 0))),
    CR: opaque16(opaque16(Uint8Array.of(0x30, 0))),
  },
  post_handshake_auth: { CH: none },
  key_share: { CH: opaque16(share), SH: share, HRR: u16(29) },
};

const read = (place: Place, block: Uint8Array, offered: readonly number[] = []) =>
  readExtensions(new Reader(block, place), place, new Set(offered));

const refused =
  (code: TlsErrorCode, message: RegExp) =>
  (error: unknown): boolean =>
    error instanceof TlsError && error.code === code && message.test(error.message);

describe('extensions', () => {
  it('the table has a row for every extension type', () => {
    assert.deepEqual([...placement.keys()].sort(), Object.keys(extensionType).sort());
  });

  for (const [name, allowed] of placement) {
    const type = extensionType[name];
    it(`${name} stands in ${allowed.join(', ')} and nowhere else`, () => {
      for (const place of places) {
        const block = extension(type, good[name]?.[place] ?? none);
        if (allowed.includes(place)) {
          assert.deepEqual(
            read(place, block, [type]).list.map((one) => one.type),
            [type],
          );
        } else {
          assert.throws(
            () => read(place, block, [type]),
            refused('illegal_parameter', new RegExp(`extension ${name} may not stand in this message`)),
            place,
          );
        }
      }
    });

    it(`${name} in an answer must have been offered`, () => {
      for (const place of allowed.filter((one) => !asking.includes(one))) {
        const block = extension(type, good[name]?.[place] ?? none);
        if (name === 'cookie' && place === 'HRR') assert.ok(read(place, block).values);
        else
          assert.throws(
            () => read(place, block),
            refused('unsupported_extension', /answers nothing that was offered/),
            place,
          );
      }
    });
  }

  for (const [name, codecs] of Object.entries(good) as [Name, Readonly<Partial<Record<Place, Bytes>>>][]) {
    it(`${name} with a byte too many or too few is a decode_error`, () => {
      for (const [place, bytes] of Object.entries(codecs) as [Place, Bytes][]) {
        const type = extensionType[name];
        const decode = refused('decode_error', new RegExp(`^${name} of `));
        assert.throws(() => read(place, extension(type, concat(bytes, Uint8Array.of(0))), [type]), decode, place);
        // Of status_request the first byte is the type of what follows: without it the rest means something else.
        if (bytes.length > 0 && name !== 'status_request')
          assert.throws(() => read(place, extension(type, bytes.subarray(1)), [type]), decode, place);
        if (bytes.length > 0)
          assert.throws(() => read(place, extension(type, bytes.subarray(0, -1)), [type]), decode, place);
      }
    });
  }

  it('a request for a status of a type that we do not know is passed by', () => {
    const block = extension(extensionType.status_request, Uint8Array.of(2, 9, 9));
    assert.deepEqual({ ...read('CH', block).values }, { status_request: 'other' });
  });

  it('an unknown extension is passed by in ClientHello, CertificateRequest and NewSessionTicket', () => {
    for (const place of asking) {
      const { list, values } = read(place, concat(extension(0xfefe, Uint8Array.of(1)), extension(0x0a0a)));
      assert.deepEqual(
        list.map(({ type }) => type),
        [0xfefe, 0x0a0a],
      );
      assert.deepEqual(Object.keys(values), []);
    }
  });

  it('an unknown extension is refused in the messages that answer, unless offered', () => {
    for (const place of places.filter((one) => !asking.includes(one))) {
      const block = extension(0xfefe);
      assert.throws(
        () => read(place, block),
        refused('unsupported_extension', /extension unknown \(65278\) answers nothing that was offered/),
      );
      assert.throws(() => read(place, extension(0x0a0a)), refused('unsupported_extension', /GREASE \(0x0A0A\)/));
      assert.equal(read(place, block, [0xfefe]).list.length, 1);
    }
  });

  it('a type that stands twice is refused, known or not, next to each other or not', () => {
    const twice = refused('illegal_parameter', /stands twice/);
    for (const place of asking) {
      const one = extension(0xfefe);
      assert.throws(() => read(place, concat(one, one)), twice);
      assert.throws(() => read(place, concat(one, extension(0xfefd), one)), twice);
    }
    const versions = extension(43, u16(0x0304));
    assert.throws(() => read('SH', concat(versions, versions), [43]), twice);
    assert.throws(() => read('EE', concat(extension(0), extension(0)), [0]), twice);
  });

  it('names of Object.prototype are no values', () => {
    const { values } = read('CH', none);
    assert.equal((values as { readonly constructor?: unknown }).constructor, undefined);
    assert.equal(Object.getPrototypeOf(values), null);
  });

  it('a block cut inside an extension is a decode_error', () => {
    assert.throws(() => read('CH', Uint8Array.of(0)), refused('decode_error', /ends after 1 bytes/));
    assert.throws(() => read('CH', Uint8Array.of(0, 1, 0, 5, 1)), refused('decode_error', /ends after 1 bytes/));
  });

  describe('values', () => {
    const cases: readonly [string, Place, Name, Bytes, RegExp, TlsErrorCode?][] = [
      ['an odd list of groups', 'CH', 'supported_groups', opaque16(new Uint8Array(3)), /cannot be 3 bytes long/],
      ['an empty list of groups', 'CH', 'supported_groups', opaque16(none), /a vector of 0 bytes/],
      ['an odd list of versions', 'CH', 'supported_versions', opaque8(new Uint8Array(3)), /odd number of bytes/],
      ['a list of versions of 255 bytes', 'CH', 'supported_versions', opaque8(new Uint8Array(255)), /2 to 254/],
      ['an empty ALPN list', 'CH', 'application_layer_protocol_negotiation', opaque16(none), /a vector of 0 bytes/],
      [
        'an empty ALPN name',
        'CH',
        'application_layer_protocol_negotiation',
        opaque16(Uint8Array.of(0, 0)),
        /a vector of 0 bytes/,
      ],
      [
        'two ALPN names in the answer',
        'EE',
        'application_layer_protocol_negotiation',
        opaque16(Uint8Array.of(1, 65, 1, 66)),
        /exactly one protocol name/,
      ],
      ['an empty cookie', 'CH', 'cookie', opaque16(none), /a vector of 0 bytes/],
      ['an empty key share', 'CH', 'key_share', opaque16(concat(u16(29), opaque16(none))), /a vector of 0 bytes/],
      [
        'a binder of 31 bytes',
        'CH',
        'pre_shared_key',
        concat(
          opaque16(concat(opaque16(Uint8Array.of(1)), new Uint8Array(4))),
          opaque16(concat(opaque8(new Uint8Array(31)), Uint8Array.of(0))),
        ),
        /where 32 to 255/,
      ],
      [
        'no host name',
        'CH',
        'server_name',
        opaque16(concat(Uint8Array.of(9), opaque16(Uint8Array.of(65)))),
        /no name of type host_name/,
      ],
      [
        'two host names',
        'CH',
        'server_name',
        opaque16(concat(Uint8Array.of(0, 0, 1, 65), Uint8Array.of(0, 0, 1, 66))),
        /two names of type host_name/,
      ],
      ['an empty host name', 'CH', 'server_name', opaque16(Uint8Array.of(0, 0, 0)), /a vector of 0 bytes/],
      [
        'a NUL in the host name',
        'CH',
        'server_name',
        opaque16(Uint8Array.of(0, 0, 2, 65, 0)),
        /not visible ASCII/,
        'illegal_parameter',
      ],
      [
        'UTF-8 in the host name',
        'CH',
        'server_name',
        opaque16(Uint8Array.of(0, 0, 2, 0xc3, 0xa4)),
        /not visible ASCII/,
        'illegal_parameter',
      ],
    ];
    for (const [title, place, name, data, message, code = 'decode_error'] of cases) {
      it(`refuses ${title}`, () => {
        assert.throws(
          () => read(place, extension(extensionType[name], data), [extensionType[name]]),
          refused(code, message),
        );
      });
    }

    it('ALPN names keep every byte', () => {
      const name = Uint8Array.from({ length: 255 }, (_, i) => i + 1);
      const { values } = readExtensions(new Reader(extension(16, opaque16(opaque8(name))), 'CH'), 'CH');
      assert.deepEqual(
        Buffer.from(values.application_layer_protocol_negotiation?.[0] ?? '', 'latin1'),
        Buffer.from(name),
      );
    });
  });
});
