import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { type Bytes, type CryptoProvider, concat, isThenable, type Signer, toHex } from '@handfast/crypto';
import { fullWebProvider } from '@handfast/crypto/web/full';
import fc from 'fast-check';
import { type Certificate, parseCertificates } from '../src/certificate.ts';
import { type CtLog, ctLog, parseLogList } from '../src/ct-logs.ts';
import * as der from '../src/der/writer.ts';
import { CertificateError } from '../src/errors.ts';
import { type IssueOptions, issueCertificate } from '../src/issue.ts';
import { issueOcspResponse } from '../src/issue-ocsp.ts';
import { parseOcspResponse } from '../src/ocsp/response.ts';
import {
  encodeSctList,
  parseSctList,
  requireScts,
  type SctOptions,
  type SctVerdict,
  sctsOfCertificate,
  sctsOfOcspAnswer,
  verifyScts,
  webSctPolicy,
} from '../src/sct.ts';
import {
  asynchronousProvider,
  extension,
  issued,
  newSigner,
  notAfter,
  notBefore,
  now,
  odd,
  nodeProvider as provider,
} from './support/pki.ts';

function refusal(code: string, message: string): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof CertificateError, String(error));
    assert.equal(error.code, code);
    assert.equal(error.message, message);
    return true;
  };
}

const u16 = (number: number): Bytes => Uint8Array.of(number >> 8, number);
const u64 = (date: Date): Bytes => {
  const out = new Uint8Array(8);
  new DataView(out.buffer).setBigUint64(0, BigInt(date.getTime()));
  return out;
};
const block24 = (bytes: Uint8Array): Bytes =>
  concat(Uint8Array.of(bytes.length >> 16, bytes.length >> 8, bytes.length), bytes);

/** A log of our own: RFC 6962 §3.2, written apart from what is tested. */
class TestLog {
  readonly #signer: Signer;
  readonly log: CtLog;

  constructor(signer: Signer, name: string, options: Partial<CtLog> = {}) {
    this.#signer = signer;
    this.log = { ...ctLog({ provider, spki: signer.publicKey.spki, name, operator: `${name} Ltd` }), ...options };
  }

  /** For a TBSCertificate without timestamps, under this issuer. */
  async precertificate(tbs: Uint8Array, issuer: Certificate, timestamp: Date): Promise<Bytes> {
    return this.#sign(timestamp, concat(u16(1), provider.digest('sha256', issuer.spki), block24(tbs)));
  }

  async certificate({ raw }: Certificate, timestamp: Date, extensions: Uint8Array = new Uint8Array(0)): Promise<Bytes> {
    return this.#sign(timestamp, concat(u16(0), block24(raw)), extensions);
  }

  async #sign(timestamp: Date, entry: Uint8Array, extensions: Uint8Array = new Uint8Array(0)): Promise<Bytes> {
    const rsa = this.#signer.publicKey.type === 'rsa';
    const tail = concat(u16(extensions.length), extensions);
    const signature = await this.#signer.sign(
      rsa ? 'rsa-pkcs1-sha256' : 'ecdsa-sha256',
      concat(Uint8Array.of(0, 0), u64(timestamp), entry, tail),
    );
    const algorithm = Uint8Array.of(4, rsa ? 1 : 3);
    return concat(Uint8Array.of(0), this.log.id, u64(timestamp), tail, algorithm, u16(signature.length), signature);
  }
}

const ec = new TestLog(await newSigner(), 'Elm');
const rsa = new TestLog(await newSigner('rsa'), 'Rowan');
const third = new TestLog(await newSigner(), 'Ash');
const logs = [ec.log, rsa.log, third.log];
const early = new Date('2026-11-01T00:00:00Z');

const ca = await issued('CA', undefined, { ca: true });
const leafSigner = await newSigner();
const template = {
  signer: leafSigner,
  names: ['db.internal'],
  serialNumber: Uint8Array.of(1, 2, 3),
  extensions: [{ oid: '1.2.3.4', critical: false, value: der.nothing() }],
} satisfies Partial<IssueOptions> & { signer: Signer };
/** The certificate as it would be without timestamps: its TBSCertificate is what logs sign. */
const bare = (await issued('db.internal', ca, template)).certificate;
const embedded = (
  await issued('db.internal', ca, {
    ...template,
    signedCertificateTimestamps: encodeSctList([
      await ec.precertificate(bare.tbs, ca.certificate, early),
      await rsa.precertificate(bare.tbs, ca.certificate, early),
    ]),
  })
).certificate;

function options(changes: Partial<SctOptions> = {}): SctOptions {
  const { certificate = embedded } = changes;
  const scts = changes.scts ?? sctsOfCertificate(certificate);
  return { provider, certificate, issuer: ca.certificate, scts, source: 'certificate', logs, time: now, ...changes };
}

async function verdictsOf(changes: Partial<SctOptions> = {}): Promise<readonly SctVerdict[]> {
  return verifyScts(options(changes));
}

const summary = (verdicts: readonly SctVerdict[]): readonly string[] => verdicts.map(({ verdict }) => verdict);

for (const [name, by] of [
  ['node', provider],
  ['node, asynchronous', asynchronousProvider],
  ['web', fullWebProvider],
] as readonly (readonly [string, CryptoProvider])[]) {
  describe(`timestamps, ${name}`, () => {
    it('in a certificate are over the TBSCertificate without them', async () => {
      const verdicts = await verdictsOf({ provider: by });
      assert.deepEqual(summary(verdicts), ['valid', 'valid']);
      assert.deepEqual(
        verdicts.map(({ operator, why }) => [operator, why]),
        [
          ['Elm Ltd', 'log "Elm" is good'],
          ['Rowan Ltd', 'log "Rowan" is good'],
        ],
      );
    });
    it('in a handshake are over the certificate, whatever is in it', async () => {
      const list = encodeSctList([
        await ec.certificate(embedded, early, Uint8Array.of(1, 2, 3)),
        await third.certificate(bare, early),
      ]);
      const scts = parseSctList(list);
      const changes = { provider: by, scts, source: 'tls' } as const;
      assert.deepEqual(summary(await verdictsOf(changes)), ['valid', 'bad_signature']);
      assert.deepEqual(summary(await verdictsOf({ ...changes, certificate: bare })), ['bad_signature', 'valid']);
    });
    it('of the web, by their own logs', async () => {
      const { logs: webLogs } = parseLogList(by, JSON.parse(vector('log_list.json')));
      for (const { name: site, time, leaf, issuer } of JSON.parse(vector('chains.json')) as readonly WebChain[]) {
        const [certificate] = parseCertificates(leaf);
        const [issuerCertificate] = parseCertificates(issuer);
        assert.ok(certificate && issuerCertificate);
        const verdicts = await verifyScts({
          provider: by,
          certificate,
          issuer: issuerCertificate,
          scts: sctsOfCertificate(certificate),
          source: 'certificate',
          logs: webLogs,
          time: new Date(time),
        });
        assert.deepEqual(summary(verdicts), ['valid', 'valid'], site);
        assert.equal(new Set(verdicts.map(({ operator }) => operator)).size, 2);
      }
    });
  });
}

interface WebChain {
  readonly name: string;
  readonly time: string;
  readonly leaf: string;
  readonly issuer: string;
}

function vector(name: string): string {
  return readFileSync(new URL(`./vectors/ct/${name}`, import.meta.url), 'utf8');
}

describe('verifying timestamps', () => {
  it('is synchronous where the provider is', () => {
    assert.equal(isThenable(verifyScts(options())), false);
  });
  it('reads them from an OCSP response', async () => {
    const list = encodeSctList([await ec.certificate(embedded, early)]);
    const response = await issueOcspResponse({
      provider,
      responder: { signer: ca.signer },
      issuer: ca.certificate,
      producedAt: now,
      answers: [{ subject: embedded, status: 'good', thisUpdate: now, signedCertificateTimestamps: list }],
    });
    const [single] = parseOcspResponse(response).basic?.responses ?? [];
    assert.ok(single);
    assert.deepEqual(summary(await verdictsOf({ scts: sctsOfOcspAnswer(single), source: 'ocsp' })), ['valid']);
    assert.deepEqual(sctsOfOcspAnswer({ ...single, extensions: [] }), []);
  });
  it('says nothing of a certificate without any', async () => {
    assert.deepEqual(sctsOfCertificate(bare), []);
    assert.deepEqual(await verdictsOf({ certificate: bare }), []);
  });
  it('goes by the key that issued the certificate', async () => {
    const namesake = await issued('CA', undefined, { ca: true });
    assert.deepEqual(summary(await verdictsOf({ issuer: namesake.certificate })), ['bad_signature', 'bad_signature']);
  });
  it('takes a precertificate of a Precertificate Signing Certificate: the log signs what the issuer will', async () => {
    // The stand-in has another name and key; §3.2 has the log write the issuer's in their place.
    const standIn = await issued('CA precertificates', ca, {
      ca: true,
      extensions: [{ oid: '2.5.29.37', critical: false, value: der.sequence(der.oid('1.3.6.1.4.1.11129.2.4.4')) }],
    });
    const poison = { oid: '1.3.6.1.4.1.11129.2.4.3', critical: true, value: der.nothing() };
    const { signer: _, ...rest } = template;
    const precertificate = await issueCertificate({
      provider,
      ...rest,
      subject: { commonName: 'db.internal' },
      publicKey: leafSigner.publicKey,
      issuer: standIn,
      notBefore,
      notAfter,
      extensions: [...template.extensions, poison],
    });
    assert.notDeepEqual(precertificate.issuer.raw, bare.issuer.raw);
    const scts = parseSctList(encodeSctList([await ec.precertificate(bare.tbs, ca.certificate, early)]));
    assert.deepEqual(summary(await verdictsOf({ scts })), ['valid']);
  });
  it('takes a certificate whose only extension are the timestamps', async () => {
    const serial = der.smallInteger(7);
    // `odd` draws its serial number: what the log signs is cut from the certificate itself.
    const first = await odd('a', ca, { extensions: [extension('1.2.3', serial)] });
    const at = toHex(first.certificate.tbs).lastIndexOf(toHex(extension('1.2.3', serial))) / 2;
    assert.ok(at > 0);
    const content = first.certificate.tbs.subarray(4, at - 4);
    const tbs = der.sequence(content);
    const list = encodeSctList([await ec.precertificate(tbs, ca.certificate, early)]);
    const whole = der.sequence(
      content,
      der.explicit(3, der.sequence(extension('signedCertificateTimestamps', der.octetString(list)))),
    );
    const certificate = { ...first.certificate, tbs: whole, issuer: first.certificate.issuer };
    assert.deepEqual(summary(await verdictsOf({ certificate, scts: parseSctList(list) })), ['valid']);
  });
  it('refuses an issuer that is another, and a time that is none', () => {
    assert.throws(
      () => verifyScts(options({ issuer: bare })),
      new RangeError('the issuer given is not the one that the certificate names'),
    );
    assert.throws(
      () => verifyScts(options({ time: new Date(Number.NaN) })),
      new RangeError('the time to verify timestamps at is no date'),
    );
  });
  it('never finds a changed one valid', async () => {
    const [sct] = sctsOfCertificate(embedded);
    assert.ok(sct);
    await fc.assert(
      fc.asyncProperty(fc.nat(sct.raw.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const raw = sct.raw.slice();
        raw[at] = (raw[at] ?? 0) ^ change;
        try {
          const [verdict] = await verdictsOf({ scts: parseSctList(encodeSctList([raw])) });
          assert.notEqual(verdict?.verdict, 'valid');
        } catch (error) {
          assert.ok(error instanceof CertificateError, String(error));
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('a timestamp does not count', () => {
  const one = async (changes: Partial<SctOptions>): Promise<string> => {
    const [first] = await verdictsOf(changes);
    return `${first?.verdict}: ${first?.why}`;
  };
  it('of a log that is not on the list, or a version that is not ours', async () => {
    assert.equal(await one({ logs: [] }), `unknown_log: log ${toHex(ec.log.id)} is not on our list`);
    assert.equal(
      await one({ scts: parseSctList(encodeSctList([Uint8Array.of(1, 2, 3)])) }),
      'unknown_version: a timestamp of version 2',
    );
  });
  it('of the future', async () => {
    const time = new Date(early.getTime() - 1000);
    assert.equal(
      await one({ time }),
      'in_the_future: log "Elm" gave a timestamp of 2026-11-01T00:00:00Z, and our clock says 2026-10-31T23:59:59Z',
    );
    assert.equal(await one({ time: early }), 'valid: log "Elm" is good');
  });
  it('of a log that is pending, rejected, or retired by then', async () => {
    const state = async (state: CtLog['state'], changes: Partial<SctOptions> = {}): Promise<string> =>
      one({ logs: [{ ...ec.log, state }], ...changes });
    assert.equal(await state({ kind: 'pending' }), 'log_not_qualified: log "Elm" is pending');
    assert.equal(await state({ kind: 'rejected' }), 'log_not_qualified: log "Elm" is rejected');
    assert.equal(await state({ kind: 'readonly' }), 'valid: log "Elm" is good');
    assert.equal(
      await state({ kind: 'retired', since: early }),
      'log_not_qualified: log "Elm" was retired at 2026-11-01T00:00:00Z, and its timestamp is of 2026-11-01T00:00:00Z',
    );
    const since = new Date(early.getTime() + 1);
    assert.equal(await state({ kind: 'retired', since }), 'valid: log "Elm" is good');
    const scts = parseSctList(encodeSctList([await ec.certificate(embedded, early)]));
    assert.equal(
      await state({ kind: 'retired', since }, { scts, source: 'tls' }),
      'log_not_qualified: log "Elm" is retired, which only a timestamp in a certificate outlives',
    );
  });
  it('of a log that takes certificates of another year', async () => {
    const within = (from: Date, before: Date): Promise<string> =>
      one({ logs: [{ ...ec.log, expiry: { from, before } }] });
    const year = (number: number): Date => new Date(Date.UTC(number, 0));
    assert.equal(
      await within(year(2026), year(2027)),
      'log_not_qualified: log "Elm" takes certificates that expire from 2026-01-01T00:00:00Z to 2027-01-01T00:00:00Z',
    );
    assert.equal(await within(notAfter, year(2028)), 'valid: log "Elm" is good');
    assert.match(await within(year(2027), notAfter), /^log_not_qualified/);
  });
  it('under an algorithm that is none of a log, or not of its key', async () => {
    const raw = await ec.precertificate(bare.tbs, ca.certificate, early);
    for (const algorithm of [0x0401, 0x0503, 0x0201]) {
      const changed = raw.slice();
      changed.set(u16(algorithm), 1 + 32 + 8 + 2);
      assert.equal(
        await one({ scts: parseSctList(encodeSctList([changed])) }),
        'bad_signature: the signature of log "Elm" does not verify',
      );
    }
  });
});

describe('a policy for timestamps', () => {
  const webPolicy = { logs: 2, operators: 2, current: 1 };
  it('of the web wants a third for more than 180 days', async () => {
    const lasting = async (days: number): Promise<Certificate> => {
      const until = new Date(notBefore.getTime() + days * 86_400_000);
      return (await issued('a', ca, { notAfter: until })).certificate;
    };
    assert.deepEqual(webSctPolicy(await lasting(180)), webPolicy);
    assert.deepEqual(webSctPolicy(await lasting(181)), { ...webPolicy, logs: 3 });
  });
  it('is met by two logs of two operators', async () => {
    requireScts(embedded, await verdictsOf(), webPolicy);
  });
  it('counts a log once, and says what each timestamp came to', async () => {
    const twice = await verdictsOf({ scts: sctsOfCertificate(embedded).slice(0, 1) });
    assert.throws(
      () => requireScts(embedded, [...twice, ...twice], webPolicy),
      refusal(
        'certificate_transparency',
        'certificate for "db.internal" is vouched for by 1 of the 2 logs and 1 of the 2 log operators that our policy wants: log "Elm" is good; log "Elm" is good',
      ),
    );
    assert.throws(
      () => requireScts(bare, [], { logs: 1, operators: 0, current: 0 }),
      refusal(
        'certificate_transparency',
        'certificate for "db.internal" is vouched for by 0 of the 1 logs that our policy wants: it has no timestamp',
      ),
    );
  });
  it('counts operators by who ran the log when it signed', async () => {
    const later = new Date(early.getTime() + 1);
    const sold = { ...rsa.log, operator: 'Oak', previousOperators: [{ name: 'Elm Ltd', until: later }] };
    const verdicts = await verdictsOf({ logs: [ec.log, sold] });
    assert.throws(
      () => requireScts(embedded, verdicts, webPolicy),
      refusal(
        'certificate_transparency',
        'certificate for "db.internal" is vouched for by 1 of the 2 log operators that our policy wants: log "Elm" is good; log "Rowan" is good',
      ),
    );
    const earlier = { ...sold, previousOperators: [{ name: 'Elm Ltd', until: early }] };
    requireScts(embedded, await verdictsOf({ logs: [ec.log, earlier] }), webPolicy);
  });
  it('wants one log that is still in use', async () => {
    const state = { kind: 'retired', since: now } as const;
    const verdicts = await verdictsOf({ logs: logs.map((log) => ({ ...log, state })) });
    assert.throws(
      () => requireScts(embedded, verdicts, webPolicy),
      refusal(
        'certificate_transparency',
        'certificate for "db.internal" is vouched for by 0 of the 1 logs in use that our policy wants: log "Elm" is good; log "Rowan" is good',
      ),
    );
  });
});

describe('lists of timestamps', () => {
  it('come back as they were written', () => {
    const sct = fc
      .record({
        id: fc.uint8Array({ minLength: 32, maxLength: 32 }),
        milliseconds: fc.integer({ min: 0, max: 8.64e15 }),
        extensions: fc.uint8Array({ maxLength: 20 }),
        rsa: fc.boolean(),
        signature: fc.uint8Array({ maxLength: 80 }),
      })
      .map((fields) => {
        const timestamp = new Date(fields.milliseconds);
        const raw = concat(
          Uint8Array.of(0),
          fields.id,
          u64(timestamp),
          u16(fields.extensions.length),
          fields.extensions,
          Uint8Array.of(4, fields.rsa ? 1 : 3),
          u16(fields.signature.length),
          fields.signature,
        );
        return { ...fields, timestamp, raw };
      });
    fc.assert(
      fc.property(fc.array(sct, { minLength: 1, maxLength: 5 }), (scts) => {
        assert.deepEqual(
          parseSctList(encodeSctList(scts.map(({ raw }) => raw))),
          scts.map(({ id, timestamp, extensions, rsa: byRsa, signature, raw }) => ({
            version: 1,
            raw,
            logId: id,
            timestamp,
            extensions,
            signatureAlgorithm: byRsa ? 'rsa-pkcs1-sha256' : 'ecdsa-sha256',
            signature,
          })),
        );
      }),
    );
  });
  it('throw nothing but CertificateError, of any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => {
        for (const input of [
          bytes,
          concat(u16(bytes.length), bytes),
          concat(u16(bytes.length + 2), u16(bytes.length), bytes),
        ]) {
          try {
            parseSctList(input);
          } catch (error) {
            assert.ok(error instanceof CertificateError, String(error));
          }
        }
      }),
      { numRuns: 500 },
    );
  });
  it('are refused where they are out of order', async () => {
    const good = await ec.certificate(bare, early);
    const long = concat(good, Uint8Array.of(0));
    const never = concat(good.subarray(0, 33), new Uint8Array(8).fill(0xff), good.subarray(41));
    for (const [bytes, message] of [
      [Uint8Array.of(0, 0), 'SCT list: an empty list'],
      [Uint8Array.of(0, 1), 'SCT list: cut short (at byte 2)'],
      [concat(encodeSctList([good]), Uint8Array.of(0)), 'SCT list: 1 bytes too many'],
      [encodeSctList([long]), 'SCT list: 1 bytes too many'],
      [encodeSctList([good.subarray(0, 30)]), 'SCT list: cut short (at byte 1)'],
      [Uint8Array.of(0, 2, 0, 0), 'SCT list: cut short (at byte 0)'],
      [encodeSctList([never]), 'SCT list: a timestamp that is no date'],
      [encodeSctList(Array<Bytes>(33).fill(good)), 'SCT list: more than 32 timestamps'],
    ] as const) {
      assert.throws(() => parseSctList(bytes), refusal('malformed', message));
    }
    assert.throws(() => encodeSctList([]), new RangeError('no timestamp, or an empty one'));
    assert.throws(() => encodeSctList([new Uint8Array(0)]), new RangeError('no timestamp, or an empty one'));
    assert.throws(() => encodeSctList([new Uint8Array(65_536)]), new RangeError('65536 bytes where 65535 fit'));
  });
});

describe('log lists', () => {
  const list = (): { operators: { name: unknown; logs: Record<string, unknown>[] }[] } =>
    JSON.parse(vector('log_list.json'));
  const first = (): Record<string, unknown> & { list: unknown } => {
    const whole = list();
    const [log] = whole.operators[0]?.logs ?? [];
    assert.ok(log);
    return Object.assign(log, { list: whole });
  };
  it('are read with operators, states and intervals', () => {
    const { logs: read, skipped, timestamp } = parseLogList(provider, list());
    assert.deepEqual(skipped, []);
    assert.deepEqual(timestamp, new Date('2026-03-01T00:00:00Z'));
    assert.deepEqual(
      read.map(({ name, operator, state }) => [name, operator, state.kind]),
      [
        ["Google 'Xenon2026h1' log", 'Google', 'usable'],
        ["Cloudflare 'Nimbus2023' Log", 'Cloudflare', 'retired'],
        ["DigiCert 'Sphinx2026h1'", 'DigiCert', 'usable'],
        ["DigiCert 'Wyvern2026h1'", 'DigiCert', 'usable'],
        ["Let's Encrypt 'Oak2023' log", "Let's Encrypt", 'retired'],
      ],
    );
    assert.deepEqual(read[0]?.expiry, {
      from: new Date('2026-01-01T00:00:00Z'),
      before: new Date('2026-07-01T00:00:00Z'),
    });
  });
  it('are read with tiled logs and previous operators', () => {
    const whole = list();
    const [google] = whole.operators;
    assert.ok(google);
    const previous = [
      { name: 'B', end_time: '2025-06-01T00:00:00Z' },
      { name: 'A', end_time: '2024-06-01T00:00:00.5Z' },
    ];
    const tiled = google.logs.map((log) => ({ ...log, previous_operators: previous }));
    Object.assign(google, { logs: [], tiled_logs: tiled });
    assert.deepEqual(
      parseLogList(provider, whole).logs[0]?.previousOperators.map(({ name }) => name),
      ['A', 'B'],
    );
  });
  it('leave out logs of a state or a key that we do not know', async () => {
    const unknown = first();
    Object.assign(unknown, { state: { dormant: {} } });
    assert.deepEqual(parseLogList(provider, unknown.list).skipped, [
      { name: "Google 'Xenon2026h1' log", why: 'its state is none that we know' },
    ]);
    const { publicKey } = await newSigner('ed25519');
    const other = first();
    Object.assign(other, { key: Buffer.from(publicKey.spki).toString('base64') });
    const { skipped, logs: read } = parseLogList(provider, other.list);
    assert.equal(read.length, 4);
    assert.deepEqual(skipped, [
      {
        name: "Google 'Xenon2026h1' log",
        why: 'log "Google \'Xenon2026h1\' log" has a key of type ed25519, 256 bits: P-256 or RSA-2048 it must be',
      },
    ]);
  });
  it('are refused with the field that is wrong', () => {
    for (const [field, value, message] of [
      ['log_id', 'AAAA', 'log list: log list.operators[0].logs[0].log_id is not the hash of the key'],
      ['key', 'A', 'log list: log list.operators[0].logs[0].key is no Base64'],
      ['key', 5, 'log list: log list.operators[0].logs[0].key is no string'],
      ['state', [], 'log list: log list.operators[0].logs[0].state is no object'],
      [
        'state',
        { retired: { timestamp: '2026-02-30' } },
        'log list: log list.operators[0].logs[0].state.retired.timestamp is no time in UTC',
      ],
      ['temporal_interval', {}, 'log list: log list.operators[0].logs[0].temporal_interval has no start_inclusive'],
    ] as const) {
      const log = first();
      log[field] = value;
      assert.throws(() => parseLogList(provider, log.list), refusal('malformed', message));
    }
    for (const [json, message] of [
      [null, 'log list: log list is no object'],
      [{}, 'log list: log list has no log_list_timestamp'],
      [{ log_list_timestamp: '2026-01-01T00:00:00Z', operators: {} }, 'log list: log list.operators is no array'],
    ] as const) {
      assert.throws(() => parseLogList(provider, json), refusal('malformed', message));
    }
  });
  it('throw nothing but CertificateError, of any JSON', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (json) => {
        try {
          parseLogList(provider, json);
        } catch (error) {
          assert.ok(error instanceof CertificateError, String(error));
        }
      }),
    );
  });
});
