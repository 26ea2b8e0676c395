/**
 * Whom we trust by default, held to the lists of `node:tls` and to what its connections accept.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { afterEach, describe, it } from 'node:test';
import nodeTls from 'node:tls';
import { promisify } from 'node:util';
import { type Certificate, parseCertificates, type TrustStore, toPem } from '@handfast/x509';
import {
  type CACertificateType,
  defaultOf,
  defaultTrust,
  getCACertificates,
  namedTrust,
  rootCertificates,
  setDefaultCACertificates,
  trustOfNow,
} from '../../src/node/ca-certificates.ts';
import { makeCredential } from '../support/identities.ts';
import { thrown } from './thrown.ts';

const types = ['default', 'system', 'bundled', 'extra'] as const;
const atStart = getCACertificates('default');
const [a, b, c] = rootCertificates as readonly [string, string, string];
const [first] = parseCertificates(a) as [Certificate];
const anchors = ({ anchors }: TrustStore): readonly (string | undefined)[] =>
  anchors.map(({ raw }) => new X509Certificate(raw).fingerprint256);
const prints = (list: readonly string[]): readonly string[] =>
  list.map((pem) => new X509Certificate(pem).fingerprint256).toSorted();

/** Node 22.18 cannot be told whom to trust. */
const settable = 'setDefaultCACertificates' in nodeTls;

afterEach(() => {
  if (getCACertificates('default') !== atStart) setDefaultCACertificates(atStart);
});

describe('getCACertificates', () => {
  it('gives the lists of node:tls', () => {
    for (const type of types) assert.equal(getCACertificates(type), nodeTls.getCACertificates(type));
    assert.equal(getCACertificates(), nodeTls.getCACertificates());
    assert.equal(rootCertificates, nodeTls.rootCertificates);
    assert.ok(Object.isFrozen(rootCertificates) && Object.isFrozen(getCACertificates()));
  });

  it('refuses what node:tls refuses', () => {
    for (const type of ['foo', '', 5, null, {}]) {
      assert.deepEqual(
        thrown(() => getCACertificates(type as CACertificateType)),
        thrown(() => nodeTls.getCACertificates(type as CACertificateType)),
      );
    }
  });
});

describe('setDefaultCACertificates', () => {
  it('changes the default alone, for both modules', { skip: !settable }, () => {
    const others = types.slice(1).map((type) => getCACertificates(type));
    setDefaultCACertificates([a, Buffer.from(b)]);
    assert.deepEqual(prints(getCACertificates('default')), prints([a, b]));
    assert.equal(getCACertificates('default'), nodeTls.getCACertificates('default'));
    nodeTls.setDefaultCACertificates([c]);
    assert.deepEqual(prints(getCACertificates('default')), prints([c]));
    assert.deepEqual(
      types.slice(1).map((type) => getCACertificates(type)),
      others,
    );
    assert.ok(others.every((list, index) => list === getCACertificates(types[index + 1])));
  });

  it('reads, where Node has it not, what Node reads elsewhere', { skip: !settable }, () => {
    const old = a.replaceAll('BEGIN CERT', 'BEGIN X509 CERT').replaceAll('END CERT', 'END X509 CERT');
    const key = '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n';
    const view = new DataView(new Uint8Array(Buffer.from(c)).buffer);
    for (const certs of [
      [],
      [a],
      [a, a, `${a}\n${a}`],
      [`text\n${a}\ntext\n${b}\n${c}`],
      ['text', b],
      [b, ''],
      [key + a],
      [old],
      [new Uint8Array(Buffer.from(b)), view],
    ]) {
      nodeTls.setDefaultCACertificates(certs);
      const nodes = nodeTls.getCACertificates('default');
      const ours = defaultOf(certs);
      assert.deepEqual([...ours].toSorted(), [...nodes].toSorted());
      assert.ok(Object.isFrozen(ours));
    }
    const broken = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
    for (const certs of [null, undefined, 'x', {}, new Uint8Array(4), [5], [a, null], [{}], ['x'], [''], [first.raw]]) {
      assert.deepEqual(
        thrown(() => defaultOf(certs as string[])),
        thrown(() => nodeTls.setDefaultCACertificates(certs as string[])),
      );
    }
    for (const certs of [[broken], [a, broken], [broken + a], [`${a}\n${broken}`]]) {
      assert.equal(thrown(() => nodeTls.setDefaultCACertificates(certs)).name, 'Error');
      assert.equal(thrown(() => defaultOf(certs)).name, 'Error');
    }
  });
});

describe('whom we trust by default', () => {
  it('is one store, made again when the list is another, and only then', () => {
    const before = defaultTrust();
    assert.equal(defaultTrust(), before);
    assert.deepEqual(anchors(defaultTrust({ allowPartialTrustChain: true })).toSorted(), [...new Set(prints(atStart))]);
    setDefaultCACertificates([a, b]);
    const after = defaultTrust();
    assert.deepEqual(anchors(after).toSorted(), prints([a, b]));
    assert.equal(defaultTrust(), after);
    if (settable) nodeTls.setDefaultCACertificates([c]);
    else setDefaultCACertificates([c]);
    assert.deepEqual(anchors(defaultTrust()), prints([c]));
    setDefaultCACertificates([]);
    assert.equal(defaultTrust().size, 0);
  });

  it('is for a context what it was when that was made', () => {
    setDefaultCACertificates([a]);
    const [asked, notYet] = [trustOfNow(), trustOfNow()];
    assert.equal(asked(), defaultTrust());
    setDefaultCACertificates([b]);
    assert.deepEqual(anchors(asked()), prints([a]));
    assert.equal(notYet(), asked());
    assert.deepEqual(anchors(trustOfNow()()), prints([b]));
  });

  it('ends paths at roots alone, unless told otherwise', async () => {
    const { chain } = await makeCredential();
    const [leaf] = chain as [Certificate];
    setDefaultCACertificates(chain.map(({ raw }) => toPem('CERTIFICATE', raw)));
    assert.equal(leaf.selfIssued, false);
    const helpers = (store: TrustStore): number => store.helpersBySubject?.(leaf.subject).length ?? 0;
    assert.deepEqual([defaultTrust().has(leaf), helpers(defaultTrust())], [false, 1]);
    const partial = defaultTrust({ allowPartialTrustChain: true });
    assert.deepEqual([partial.has(leaf), helpers(partial)], [true, 0]);
    assert.equal(defaultTrust({ allowPartialTrustChain: true }), partial);
  });

  it('is trusted beside what a PKCS#12 file brought, and not beside what was named', () => {
    setDefaultCACertificates([b, c]);
    assert.deepEqual(anchors(namedTrust([first], { trustsDefaults: true })).toSorted(), prints([a, b, c]));
    assert.deepEqual(anchors(namedTrust([first], { trustsDefaults: false })), prints([a]));
    assert.equal(namedTrust([], { trustsDefaults: false }).size, 0);
  });

  it('follows the flags and the environment', async () => {
    const module = new URL('../../src/node/ca-certificates.ts', import.meta.url).href;
    const script = `
      import tls from 'node:tls';
      import { defaultTrust, getCACertificates } from ${JSON.stringify(module)};
      console.log(JSON.stringify([getCACertificates().length, defaultTrust().size, new Set(tls.getCACertificates()).size]));`;
    const run = async (flags: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<readonly number[]> => {
      const all = ['--conditions=@handfast/source', ...flags, '--input-type=module', '-e', script];
      const { stdout } = await promisify(execFile)(process.execPath, all, { env });
      return JSON.parse(stdout);
    };
    const { length } = rootCertificates;
    const [system, openssl] = await Promise.all([
      run(['--use-system-ca'], { SSL_CERT_FILE: '/dev/null', SSL_CERT_DIR: '/absent' }),
      run(['--use-openssl-ca'], { SSL_CERT_FILE: '/dev/null', SSL_CERT_DIR: '/absent' }),
    ]);
    assert.ok((system[0] ?? 0) >= length);
    assert.equal(system[1], system[2]);
    assert.deepEqual(openssl, [0, 0, 0]);
  });
});
