import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { rootCertificates } from 'node:tls';
import { utf8 } from '@handfast/crypto';
import fc from 'fast-check';
import * as der from '../src/der/writer.ts';
import {
  type AnchorOptions,
  anchor,
  type Certificate,
  type GeneralName,
  parseCertificate,
  parseCertificates,
  parseDirectoryName,
  parseIp,
  rootsOnly,
  toPem,
  trustStore,
  verifyCertificate,
} from '../src/index.ts';
import { sameName } from '../src/names/directory.ts';
import { nameKey } from '../src/trust-index.ts';
import { type LimitedPath, limitRefusal } from '../src/trust-limits.ts';
import { issued, nodeProvider, now } from './support/pki.ts';

const root = (await issued('Root', undefined, { ca: true })).certificate;
const anew = (await issued('ROOT', undefined, { ca: true })).certificate;
const other = (await issued('Other', undefined, { ca: true })).certificate;

const pem = (...certificates: readonly Certificate[]): string =>
  certificates.map(({ raw }) => toPem('CERTIFICATE', raw)).join('');

describe('a trust store', () => {
  it('finds anchors by subject, in any case', () => {
    const store = trustStore([root, other, anew]);
    assert.deepEqual(store.bySubject(root.subject), [root, anew]);
    assert.deepEqual(store.bySubject(other.subject), [other]);
  });
  it('has exactly its certificates', () => {
    const store = trustStore([root]);
    assert.equal(store.has(parseCertificate(root.raw)), true);
    assert.equal(store.has(anew), false);
  });
  it('keeps a certificate once', () => assert.equal(trustStore([root, parseCertificate(root.raw)]).anchors.length, 1));
  it('that is empty has nobody', () => {
    const store = trustStore([]);
    assert.deepEqual(
      [store.size, store.anchors.length, store.skipped.length, store.has(root), store.bySubject(root.subject)],
      [0, 0, 0, false, []],
    );
  });
  it('of roots alone has for anchors what is self-signed, and knows the others as helpers', async () => {
    const ca = await issued('Root', undefined, { ca: true });
    const middle = (await issued('Middle', ca, { ca: true })).certificate;
    const rolledOver = (await issued('Root', ca, { ca: true })).certificate;
    const given = [ca.certificate, middle, rolledOver];
    const store = rootsOnly(trustStore([pem(...given), 'no PEM']));
    assert.equal(store.size, 3);
    assert.equal(store.skipped.length, 1);
    assert.deepEqual(
      store.anchors.map(({ raw }) => raw),
      [ca.certificate.raw],
    );
    assert.equal(store.anchors, store.anchors);
    assert.ok(Object.isFrozen(store) && Object.isFrozen(store.anchors));
    assert.deepEqual(
      [...given, other].map((one) => store.has(one)),
      [true, false, false, false],
    );
    const raws = (certificates: readonly Certificate[] | undefined): readonly Uint8Array[] | undefined =>
      certificates?.map(({ raw }) => raw);
    assert.deepEqual(raws(store.bySubject(ca.certificate.subject)), [ca.certificate.raw]);
    assert.deepEqual(raws(store.helpersBySubject?.(ca.certificate.subject)), [rolledOver.raw]);
    assert.deepEqual(raws(store.bySubject(middle.subject)), []);
    assert.deepEqual(raws(store.helpersBySubject?.(middle.subject)), [middle.raw]);
    assert.equal(trustStore(given).helpersBySubject, undefined);
    const limited = anchor({ certificate: ca.certificate, purposes: ['clientAuth'] });
    assert.deepEqual(rootsOnly(trustStore([limited])).limitsOf(ca.certificate), [limited]);
  });
  it('cannot be changed', () => {
    const store = trustStore([root]);
    assert.ok(Object.isFrozen(store) && Object.isFrozen(store.anchors) && Object.isFrozen(store.skipped));
  });
  it('takes certificates, DER, and PEM as text or bytes, alone or several, each certificate once', () => {
    const forms = [root, root.raw, pem(root), utf8(pem(root)), pem(root).replaceAll('\n', '\r\n')];
    for (const form of forms) assert.deepEqual(trustStore(form).anchors[0]?.raw, root.raw);
    const store = trustStore([...forms, pem(other, root, anew)]);
    assert.equal(store.size, 3);
    assert.deepEqual(
      store.anchors.map(({ raw }) => raw),
      [root.raw, other.raw, anew.raw],
    );
  });
  it('keeps no hold of bytes that it was given', () => {
    const bytes = Uint8Array.from(root.raw);
    const text = utf8(pem(other));
    const store = trustStore([bytes, text]);
    bytes.fill(0);
    text.fill(0);
    assert.equal(store.skipped.length, 0);
    assert.ok(store.has(root) && store.has(other));
  });
  it('an input that is none is a mistake of the caller', () => {
    assert.throws(() => trustStore([{} as never]), { name: 'RangeError', message: /^trust input 0 is no certificate/ });
    assert.throws(() => trustStore(undefined as never), { name: 'RangeError' });
    assert.throws(() => trustStore([root, 7 as never]), { name: 'RangeError', message: /^trust input 1 / });
  });
});

describe('a trust store of a PEM text', () => {
  it('passes over text between the blocks, and blocks of other things', () => {
    const key = toPem('PRIVATE KEY', new Uint8Array(3));
    const text = `# Root\n=====\n${pem(root)}\nsubject=-----\n${key}${pem(other)}trailing -----`;
    const store = trustStore(text);
    assert.deepEqual([store.size, store.skipped.length], [2, 0]);
    assert.ok(store.has(root) && store.has(other));
  });
  it('leaves out what does not parse, says which and why, and keeps the rest', () => {
    const cut = toPem('CERTIFICATE', other.raw.subarray(0, -1));
    const v4 = Uint8Array.from(other.raw);
    v4[12] = 3;
    const trusted = toPem('TRUSTED CERTIFICATE', other.raw);
    const lax = pem(other).replace('\nM', '\n*');
    const store = trustStore([new Uint8Array([0x30, 0]), [cut, pem(root), trusted, lax, pem(anew)].join(''), v4]);
    assert.deepEqual(
      store.skipped.map(({ input, index, error }) => [input, index, error.code, error.message]),
      [
        [0, 0, 'malformed', 'certificate: cut short (at byte 0 of the 0 there)'],
        [1, 0, 'malformed', `certificate: a length beyond the end (at byte 4 of the ${other.raw.length - 1} there)`],
        [1, 2, 'malformed', 'trust anchor: a PEM block "TRUSTED CERTIFICATE" is no certificate'],
        [1, 3, 'malformed', 'PEM: "*" in the Base64 of "CERTIFICATE"'],
        [2, 0, 'malformed', 'certificate: version 4'],
      ],
    );
    assert.deepEqual(store.anchors.length, 2);
    assert.ok(store.has(root) && store.has(anew) && !store.has(other));
  });
  it('a block without its end is left out, and ends where the next begins', () => {
    const [head = ''] = pem(other).split('-----END');
    const store = trustStore(`${head}${pem(root)}${head}\n`);
    assert.deepEqual(
      store.skipped.map(({ index, error }) => [index, error.message]),
      [0, 2].map((index) => [index, 'PEM: "CERTIFICATE" has no end']),
    );
    assert.equal(store.has(root), true);
  });
  it('what is cut does not take its whole copy away', () => {
    const [head = ''] = pem(other).split('-----END');
    const store = trustStore([`${head}${pem(other)}`, `${head}-----END KEY-----\n${pem(root, root)}`]);
    assert.deepEqual([store.skipped.length, store.anchors.length], [2, 2]);
    assert.ok(store.has(other) && store.has(root));
  });
  it('without any certificate says so', () => {
    const store = trustStore('roots.pem');
    assert.deepEqual(
      [store.size, store.skipped.map(({ error }) => error.message)],
      [0, ['trust anchors: no PEM block "CERTIFICATE" in 9 characters']],
    );
  });
  it('takes Base64 in lines of any length, with any white space', () => {
    const body = pem(root).split('\n').slice(1, -2).join('');
    for (const width of [1, 3, 7, 63, 76, 4096]) {
      const lines = body.match(new RegExp(`.{1,${width}}`, 'g')) ?? [];
      const text = `-----BEGIN CERTIFICATE-----\n${lines.join(' \r\n')}\n-----END CERTIFICATE-----`;
      assert.ok(trustStore(text).has(root), `${width}`);
      assert.ok(trustStore(utf8(text)).has(root), `${width}`);
    }
  });
  it('tells blocks apart that differ in little, and not those that differ in form', () => {
    const [head = '', ...rest] = pem(root).split('\n');
    const named = [head.replace('CERT', 'X509 CERT'), ...rest].join('\n').replace('END CERT', 'END X509 CERT');
    const misnamed = pem(other).replace('END CERT', 'END X509 CERT');
    const wide =
      rest
        .slice(0, -2)
        .join('')
        .match(/.{1,76}/g) ?? [];
    const rewrapped = [head, ...wide, rest.at(-2)].join('\r\n');
    const inOneLine = [head, wide.join(''), rest.at(-2)].join('\n');
    const spaced = pem(other).replace('\nM', '\n M');
    const shifted = pem(other).replace(/\n(.{63})(.)\n/, '\n$1\n$2');
    const store = trustStore([misnamed, pem(root), named, rewrapped, inOneLine, spaced, shifted, pem(other, anew)]);
    assert.deepEqual(
      store.anchors.map(({ raw }) => raw),
      [root.raw, other.raw, anew.raw],
    );
    assert.deepEqual(
      store.skipped.map(({ input }) => input),
      [0],
    );
    for (const text of [spaced, shifted]) assert.ok(trustStore(text).has(other));
  });
  it('no text makes it throw', () => {
    const parts = fc.constantFrom(
      '-----',
      '-----BEGIN ',
      'CERTIFICATE',
      '-----END ',
      '\n',
      'MIIB',
      '=',
      pem(root),
      ' ',
      'é',
    );
    fc.assert(
      fc.property(fc.array(parts, { maxLength: 40 }), (chosen) => {
        const text = chosen.join('');
        const store = trustStore(text);
        for (const { error } of store.skipped) assert.equal(error.code, 'malformed');
        assert.ok(store.anchors.length <= store.size);
        assert.equal(trustStore(utf8(text)).anchors.length, store.anchors.length);
      }),
    );
  });
  it('no bytes make it throw', () => {
    fc.assert(
      fc.property(fc.nat({ max: root.raw.length - 1 }), fc.integer({ min: 0, max: 255 }), (at, byte) => {
        const spoiled = Uint8Array.from(root.raw);
        spoiled[at] = byte;
        const store = trustStore([spoiled, toPem('CERTIFICATE', spoiled), root]);
        // Whatever the walk makes of it, the parser decides.
        for (const certificate of store.anchors) assert.ok(store.bySubject(certificate.subject).includes(certificate));
      }),
    );
  });
});

describe('the roots of Node', () => {
  const roots = parseCertificates(rootCertificates.join('\n'));
  const store = trustStore(rootCertificates.join('\n'));
  it('are all found', () => {
    assert.equal(store.size, roots.length);
    for (const certificate of roots) {
      assert.ok(store.has(certificate));
      assert.ok(store.bySubject(certificate.subject).some(({ raw }) => Buffer.compare(raw, certificate.raw) === 0));
    }
  });
  it('are all that is found', () => assert.deepEqual([store.anchors.length, store.skipped], [roots.length, []]));
});

describe('the key of a name', () => {
  const attribute = (value: Uint8Array, type = '2.5.4.3') => der.sequence(der.oid(type), value);
  const named = (...rdns: readonly Uint8Array[][]) =>
    parseDirectoryName(der.sequence(...rdns.map((rdn) => der.setOf(...rdn))));
  const wide = (text: string, tag: number, width: number): Uint8Array => {
    const units = [...text].flatMap((character) => {
      const code = character.codePointAt(0) ?? 0;
      return Array.from({ length: width }, (_, at) => (code >>> (8 * (width - 1 - at))) & 0xff);
    });
    return Uint8Array.of(tag, units.length, ...units);
  };
  it('is that of every equal name: string types, case, white space, order within a relative name', () => {
    const text = 'Élan K\u212A\u0130i  Root 2';
    const folded = ' élan kki\u0307i root 2 ';
    const names = [
      named([attribute(der.utf8String(text))]),
      named([attribute(der.utf8String(folded))]),
      named([attribute(wide(text, 0x1e, 2))]),
      named([attribute(wide(folded, 0x1c, 4))]),
    ];
    for (const name of names.slice(2)) assert.ok(names.slice(0, 2).some((base) => sameName(base, name)));
    assert.equal(new Set(names.map(({ raw }) => nameKey(raw))).size, 1);
    const [cn, o] = [attribute(der.utf8String('a')), attribute(der.utf8String('b'), '2.5.4.10')];
    assert.equal(nameKey(named([cn, o]).raw), nameKey(named([o, cn]).raw));
  });
  it('equal names have equal keys', () => {
    const text = fc.string({
      unit: fc.constantFrom('a', 'A', 'z', 'k', 'K', '\u212A', 'İ', 'ß', ' ', '1', 'é', 'É'),
      maxLength: 6,
    });
    const value = fc
      .tuple(text, fc.constantFrom(0, 2, 4))
      .map(([chosen, width]) =>
        width === 0 ? der.utf8String(chosen) : wide(chosen, width === 2 ? 0x1e : 0x1c, width),
      );
    fc.assert(
      fc.property(value, value, (a, b) => {
        const [one, two] = [named([attribute(a)]), named([attribute(b)])];
        if (sameName(one, two)) assert.equal(nameKey(one.raw), nameKey(two.raw));
      }),
    );
  });
});

describe('an anchor with limits', () => {
  it('is the store’s, limits and all, whichever came first', () => {
    const limited = anchor({ certificate: root, permitted: ['.corp.internal'] });
    for (const order of [
      [pem(root, other), limited],
      [limited, pem(root, other)],
    ]) {
      const store = trustStore(order);
      assert.equal(store.size, 2);
      assert.deepEqual(store.limitsOf(root), [limited]);
      assert.deepEqual(store.limitsOf(other), []);
    }
  });
});

describe('the limits of an anchor', () => {
  const verdict = (
    options: Omit<AnchorOptions, 'certificate'>,
    names: readonly GeneralName[],
    more: Partial<LimitedPath> = {},
  ): string | undefined => {
    const limits = anchor({ certificate: root, ...options });
    const path: LimitedPath = {
      anchor: root,
      below: [other],
      purpose: 'serverAuth',
      namesOf: () => names,
      count: () => {},
      ...more,
    };
    const refusal = limitRefusal([{}, limits], path);
    assert.match(refusal?.hint ?? 'our trust store', /^our trust store/);
    return refusal && `${refusal.rule}: ${refusal.message}`;
  };
  const dns = (text: string): GeneralName => ({ kind: 'dns', text });
  const ip = (text: string): GeneralName => ({ kind: 'ip', bytes: parseIp(text) ?? new Uint8Array() });

  it('are the names that it may vouch for', () => {
    const below = { permitted: ['.corp.internal', '10.0.0.0/9'] };
    assert.equal(verdict(below, [dns('db.corp.internal'), ip('10.127.0.1')]), undefined);
    assert.equal(
      verdict(below, [dns('db.example')]),
      'name_constraints: we do not trust "Root" to vouch for certificate "Other": DNS "db.example" is in none of the permitted subtrees',
    );
    assert.match(verdict(below, [dns('corp.internal')]) ?? '', /none of the permitted/);
    assert.match(verdict(below, [ip('10.128.0.1')]) ?? '', /none of the permitted/);
    assert.equal(verdict({ permitted: ['corp.internal'] }, [dns('corp.internal'), dns('a.corp.internal')]), undefined);
  });
  it('refuse names of the forms that are not listed', () => {
    const below = { permitted: ['.corp.internal'] };
    const names: readonly GeneralName[] = [
      ip('192.0.2.1'),
      ip('2001:db8::1'),
      { kind: 'email', text: 'a@corp.internal' },
      { kind: 'uri', text: 'spiffe://corp.internal/a' },
    ];
    for (const name of names) assert.match(verdict(below, [name]) ?? '', /is in the excluded/);
    assert.match(verdict({ permitted: [] }, [dns('a.internal')]) ?? '', /is in the excluded/);
    assert.equal(verdict({ excluded: ['192.0.2.0/24'] }, [dns('a.internal'), ip('192.0.3.1')]), undefined);
  });
  it('are the names that it may not', () => {
    const without = { excluded: ['bank.example', '2001:db8::/32', '@example.com', 'ceo@example.org'] };
    assert.match(verdict(without, [dns('www.bank.example')]) ?? '', /in the excluded DNS "bank\.example"/);
    assert.match(verdict(without, [ip('2001:db8:1::1')]) ?? '', /in the excluded IP/);
    assert.match(verdict(without, [{ kind: 'email', text: 'a@example.com' }]) ?? '', /excluded email "example\.com"/);
    assert.match(verdict(without, [{ kind: 'email', text: 'ceo@example.org' }]) ?? '', /excluded email/);
    assert.equal(verdict(without, [dns('a.internal'), { kind: 'email', text: 'cto@example.org' }]), undefined);
  });
  it('are purposes', () => {
    const clients = { purposes: ['clientAuth'] } as const;
    assert.equal(verdict(clients, []), 'extended_key_usage: we trust "Root" for clientAuth, not for serverAuth');
    assert.equal(verdict(clients, [], { purpose: 'clientAuth' }), undefined);
    assert.equal(verdict(clients, [], { purpose: 'any' }), undefined);
    assert.match(verdict({ purposes: [] }, []) ?? '', /for nothing, not for serverAuth$/);
  });
  it('are the time until which it issues', () => {
    assert.equal(verdict({ distrustAfter: other.notBefore }, []), undefined);
    assert.equal(
      verdict({ distrustAfter: new Date('2026-10-01T00:00:00Z') }, []),
      'unknown_issuer: we trust "Root" for certificates issued until 2026-10-01T00:00:00Z, and that for "Other" is of 2026-11-01T00:00:00Z',
    );
  });
  it('hold for the anchor itself where it is the leaf', () => {
    const own = { permitted: ['.corp.internal'] };
    assert.match(verdict(own, [dns('db.example')], { below: [] }) ?? '', /to vouch for certificate "Root"/);
  });
  it('are kept as they were given', () => {
    const distrustAfter = new Date(0);
    const purposes: 'clientAuth'[] = ['clientAuth'];
    const limited = anchor({ certificate: root, distrustAfter, purposes });
    distrustAfter.setFullYear(2050);
    purposes.pop();
    assert.deepEqual([limited.distrustAfter?.getTime(), limited.purposes], [0, ['clientAuth']]);
    assert.ok(Object.isFrozen(limited));
  });
  it('that make no sense are a mistake', () => {
    const mistakes: readonly (readonly [Omit<AnchorOptions, 'certificate'>, RegExp])[] = [
      [{ permitted: ['10.0.0.0/33'] }, /"10\.0\.0\.0\/33" has a prefix longer than its address/],
      [{ permitted: ['10.1.0.0/8'] }, /"10\.1\.0\.0\/8" has bits behind its prefix/],
      [{ permitted: ['10.0.0.0/8/8'] }, /no DNS name, IP range or mailbox/],
      [{ excluded: ['*.example'] }, /no DNS name, IP range or mailbox: "\*\.example"/],
      [{ excluded: [''] }, /no DNS name/],
      [{ excluded: ['a@b@c'] }, /no DNS name/],
      [{ excluded: ['a.example'], nameConstraints: { permitted: [], excluded: [] } }, /not both/],
      [{ distrustAfter: new Date(Number.NaN) }, /distrustAfter is no date/],
    ];
    for (const [options, message] of mistakes) {
      assert.throws(() => anchor({ certificate: root, ...options }), { name: 'RangeError', message });
    }
  });
  it('are applied to paths', async () => {
    const ca = await issued('Limited', undefined, { ca: true });
    const inside = (await issued('in', ca, { names: ['db.corp.internal'] })).certificate;
    const outside = (await issued('out', ca, { names: ['db.example'] })).certificate;
    const trust = trustStore([
      toPem('CERTIFICATE', ca.certificate.raw),
      anchor({ certificate: ca.certificate, permitted: ['.corp.internal'] }),
    ]);
    const options = { provider: nodeProvider, trust, time: now, usage: 'serverAuth' } as const;
    assert.equal((await verifyCertificate({ ...options, leaf: inside })).path.length, 2);
    assert.throws(() => verifyCertificate({ ...options, leaf: outside }), {
      code: 'name_constraints',
      message: /we do not trust "Limited" to vouch for certificate "db\.example"/,
    });
  });
});
