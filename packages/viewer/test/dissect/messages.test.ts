import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nodeProvider as provider } from '@handfast/crypto/node';
import { memorySessionCache, namedGroups, ticketKeys } from '@handfast/tls';
import { dissectMessage, type Field, fromBase64, type MessageVersion } from '../../src/index.ts';
import { clientCredential, play } from '../support/connection.ts';
import { all, assertTiled, at } from '../support/fields.ts';

/** A handshake message, as it passed. */
interface Message {
  readonly raw: Uint8Array;
  readonly version: MessageVersion;
}

/** The messages of a handshake with a client's certificate and tickets, in TLS 1.3 with a retry before it and a key update after. */
function messagesOf(version: MessageVersion): readonly Message[] {
  const is13 = version === 'TLS 1.3';
  const { client } = play({
    version: is13 ? version : 'TLS 1.2',
    client: {
      ...{ alpnProtocols: ['h2', 'http/1.1'], credentials: [clientCredential], sessions: memorySessionCache() },
    },
    server: {
      ...{ alpnProtocols: ['h2', 'http/1.1'], clientCertificate: 'require' },
      tickets: { keys: ticketKeys({ provider }) },
      ...(is13 && { groups: namedGroups.filter(({ name }) => name === 'secp256r1') }),
    },
    between: (connection) => {
      if (is13) connection.updateKeys();
    },
  });
  return client.events.flatMap((event) =>
    event.type === 'message' ? [{ raw: fromBase64(event.bytes), version }] : [],
  );
}

const messages13 = messagesOf('TLS 1.3');
const messages12 = messagesOf('before TLS 1.3');

const dissected = ({ raw, version }: Message): Field => dissectMessage(raw, version);

function named(messages: readonly Message[], title: string): Field {
  const found = messages.map(dissected).find(({ name }) => name === title);
  assert.ok(found, `there is no ${title}`);
  return found;
}

describe('a handshake message as fields', () => {
  it('has a name, a meaning and a section in every message of TLS 1.3', () => {
    const titles = messages13.map((message) => dissected(message).name);
    assert.deepEqual(
      [...new Set(titles)],
      [
        ...[
          'ClientHello',
          'HelloRetryRequest',
          'ServerHello',
          'EncryptedExtensions',
          'CertificateRequest',
          'Certificate',
        ],
        ...['CertificateVerify', 'Finished', 'NewSessionTicket', 'KeyUpdate'],
      ],
    );
  });

  it('has a name in every message of TLS 1.2', () => {
    const titles = messages12.map((message) => dissected(message).name);
    assert.deepEqual(
      [...new Set(titles)],
      [
        ...['ClientHello', 'ServerHello', 'Certificate', 'ServerKeyExchange', 'CertificateRequest', 'ServerHelloDone'],
        ...['ClientKeyExchange', 'CertificateVerify', 'Finished', 'NewSessionTicket'],
      ],
    );
  });

  it('is made of all its bytes, each once, and none of them is a problem', () => {
    for (const message of [...messages13, ...messages12]) {
      const field = dissected(message);
      assertTiled(field);
      assert.equal(field.end, message.raw.length);
      assert.ok(field.meaning && field.section, field.name);
      for (const { name, problem } of all(field)) assert.equal(problem, undefined, `${field.name}: ${name}`);
    }
  });

  it('knows each extension that we send', () => {
    for (const message of [...messages13, ...messages12]) {
      for (const field of all(dissected(message))) {
        if (field.name === 'extensions' && field.children?.[0]?.name === 'length') {
          for (const { name, meaning, section } of field.children?.slice(1) ?? []) {
            assert.doesNotMatch(name, /^extension \d/);
            assert.ok(meaning && section, name);
          }
        }
      }
    }
  });

  it('says what a ClientHello asks for', () => {
    const hello = named(messages13, 'ClientHello');
    const body = at(hello, 'body');
    assert.equal(at(body, 'legacy_version').value, 'TLS 1.2 (0x0303)');
    assert.equal(at(body, 'cipher_suites', 'CipherSuite').value, 'TLS_AES_128_GCM_SHA256 (0x1301)');
    const extensions = at(body, 'extensions');
    assert.equal(at(extensions, 'server_name', 'server_name_list', 'HostName', 'host_name').value, 'localhost');
    assert.equal(at(extensions, 'supported_versions', 'versions', 'ProtocolVersion').value, 'TLS 1.3 (0x0304)');
    assert.equal(at(extensions, 'key_share', 'client_shares', 'KeyShareEntry').value, 'x25519 (0x001D)');
    assert.equal(
      at(extensions, 'application_layer_protocol_negotiation', 'protocol_name_list', 'ProtocolName').value,
      'h2',
    );
  });

  it('says what a server chose, and how it signed', () => {
    const body = at(named(messages13, 'ServerHello'), 'body');
    assert.equal(at(body, 'cipher_suite').value, 'TLS_AES_128_GCM_SHA256 (0x1301)');
    assert.equal(at(body, 'extensions', 'supported_versions', 'selected_version').value, 'TLS 1.3 (0x0304)');
    assert.equal(at(body, 'extensions', 'key_share', 'group').value, 'secp256r1 (0x0017)');
    const verify = at(named(messages13, 'CertificateVerify'), 'body');
    assert.equal(at(verify, 'algorithm').value, 'ecdsa_secp256r1_sha256 (0x0403)');
    const exchange = at(named(messages12, 'ServerKeyExchange'), 'body');
    assert.equal(at(exchange, 'namedcurve').value, 'x25519 (0x001D)');
  });

  it('unfolds a certificate down to its DER', () => {
    const certificate = at(named(messages13, 'Certificate'), 'body', 'certificate_list', 'cert_data', 'Certificate');
    const tbs = at(certificate, 'tbsCertificate');
    assert.equal(at(tbs, 'version', 'Version').value, 'v3');
    assert.equal(at(tbs, 'subject', 'RelativeDistinguishedName', 'AttributeTypeAndValue', 'value').value, 'localhost');
    assert.equal(at(tbs, 'validity', 'notAfter').value, '2027-01-01 00:00:00 UTC');
    assert.equal(at(tbs, 'subjectPublicKeyInfo', 'algorithm', 'parameters').value, 'P-256 (1.2.840.10045.3.1.7)');
    const extensions = at(tbs, 'extensions', 'Extensions').children ?? [];
    const names = extensions.find(({ value }) => value === 'subjectAltName');
    assert.ok(names);
    assert.equal(at(names, 'extnValue', 'GeneralNames', 'dNSName').value, 'localhost');
    const usage = extensions.find(({ value }) => value === 'keyUsage');
    assert.ok(usage);
    assert.equal(at(usage, 'extnValue', 'KeyUsage').value, 'digitalSignature');
    assert.equal(at(usage, 'critical').value, 'TRUE');
  });
});

describe('bytes that are no message', () => {
  const hello = messages13[0]?.raw;
  assert.ok(hello);

  it('are shown up to where they are cut off, at any place', () => {
    for (let length = 0; length < hello.length; length++) {
      const field = dissectMessage(hello.subarray(0, length));
      assertTiled(field);
      assert.equal(field.end, length);
      assert.ok([...all(field)].some(({ problem }) => problem !== undefined));
    }
  });

  it('are told from what should stand there, with what is left over', () => {
    const longer = new Uint8Array(hello.length + 3);
    longer.set(hello);
    const field = dissectMessage(longer);
    assertTiled(field);
    assert.equal(field.children?.at(-1)?.problem, 'these bytes stand where nothing should');
  });

  it('are never too much: each bit of every message may be another', () => {
    for (const { raw, version } of [...messages13, ...messages12]) {
      for (let bit = 0; bit < 8 * Math.min(raw.length, 160); bit += 29) {
        const changed = raw.slice();
        changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        assertTiled(dissectMessage(changed, version));
      }
    }
  });

  it('make no more fields than can be looked at', () => {
    // A ClientHello that is a list of 30,000 suites, and one nested without end.
    const suites = Uint8Array.from([
      1,
      0,
      0xea,
      0x83,
      3,
      3,
      ...new Array(33).fill(0),
      0xea,
      0x60,
      ...new Array(60_000).fill(1),
    ]);
    const field = dissectMessage(suites);
    assertTiled(field);
    const fields = [...all(field)];
    assert.ok(fields.length < 21_000);
    assert.ok(fields.some(({ problem }) => problem === 'there are too many fields to show each of them'));
  });

  it('show text as text: what could be taken for more is escaped', () => {
    const name = Buffer.from('<b>\u001b[31m');
    const message = Buffer.concat([
      Buffer.from([8, 0, 0, 2 + 4 + 2 + 1 + name.length, 0, 4 + 2 + 1 + name.length, 0, 16, 0, 3 + name.length]),
      Buffer.from([0, 1 + name.length, name.length]),
      name,
    ]);
    const field = dissectMessage(message);
    const values = [...all(field)].map(({ value }) => value);
    assert.ok(values.includes('<b>\\x1b[31m'));
  });
});
