import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import tls, { rootCertificates } from 'node:tls';
import { promisify } from 'node:util';
import { CertificateError, toPem } from '../../src/index.ts';
import { bundledTrust, defaultTrust, directoryTrust, fileTrust, systemTrust } from '../../src/node/index.ts';
import { issued } from '../support/pki.ts';

const one = (await issued('One', undefined, { ca: true })).certificate;
const two = (await issued('Two', undefined, { ca: true })).certificate;
const three = (await issued('Three', undefined, { ca: true })).certificate;

const here = import.meta.dirname;
let directory = '';
const file = (name: string, content: string | Uint8Array): string => {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
};
before(() => {
  directory = mkdtempSync(join(tmpdir(), 'handfast-trust-'));
});
after(() => rmSync(directory, { recursive: true }));

const refuses = (run: () => unknown, message: RegExp): void => {
  assert.throws(run, (error) => {
    assert.ok(error instanceof CertificateError);
    assert.equal(error.code, 'empty_trust');
    assert.match(error.message, message);
    assert.match(error.hint ?? '', /^(give|certificates are) /);
    return true;
  });
};

describe('what is trusted', () => {
  it('by the system is found, or said not to be', () => {
    let store: ReturnType<typeof systemTrust> | undefined;
    try {
      store = systemTrust();
    } catch (error) {
      assert.match(String(error), /the system's trust store was not found/);
    }
    // Every certificate once, however often the system lists it.
    const anchors = store?.anchors ?? [];
    assert.equal(new Set(anchors.map(({ raw }) => Buffer.from(raw).toString('hex'))).size, anchors.length);
  });
  it('by Node, bundled', () => {
    const store = bundledTrust();
    assert.equal(store.size, new Set(rootCertificates).size);
    assert.deepEqual(store.skipped, []);
  });
  it('by Node, by default', () => assert.ok(defaultTrust().size > 0));
  it('by OpenSSL, where Node is told to ask it, until a program says whom else', async () => {
    const folder = join(directory, 'openssl');
    mkdirSync(folder);
    writeFileSync(join(folder, '0a1b2c3d.0'), toPem('CERTIFICATE', two.raw));
    writeFileSync(join(folder, 'unhashed.pem'), toPem('CERTIFICATE', three.raw));
    const environment = {
      PATH: process.env.PATH,
      SSL_CERT_FILE: file('openssl.pem', toPem('CERTIFICATE', one.raw)),
      SSL_CERT_DIR: [join(directory, 'absent'), folder].join(delimiter),
    };
    const script = `
      import tls from 'node:tls';
      import { defaultTrust } from '@handfast/x509/node';
      const names = () => defaultTrust().anchors.map(({ subject }) => subject.commonName);
      const before = names();
      tls.setDefaultCACertificates?.([]);
      console.log(JSON.stringify([before, defaultTrust().size]));`;
    const run = async (flag: string, env: NodeJS.ProcessEnv): Promise<unknown> => {
      const flags = ['--conditions=@handfast/source', flag, '--input-type=module', '-e', script];
      const { stdout } = await promisify(execFile)(process.execPath, flags, { cwd: here, env });
      return JSON.parse(stdout);
    };
    const left = 'setDefaultCACertificates' in tls ? 0 : 2;
    const [asked, inEnvironment, extra] = await Promise.all([
      run('--use-openssl-ca', environment),
      run('--no-warnings', { ...environment, NODE_OPTIONS: '"--use_openssl_ca"' }),
      run('--use-openssl-ca', {
        ...environment,
        NODE_EXTRA_CA_CERTS: file('extra.pem', toPem('CERTIFICATE', three.raw)),
      }),
    ]);
    assert.deepEqual(asked, [['One', 'Two'], left]);
    assert.deepEqual(inEnvironment, [['One', 'Two'], left]);
    assert.deepEqual(extra, [['Three', 'One', 'Two'], left === 0 ? 0 : 3]);
  });
});

describe('trust in a file', () => {
  it('takes PEM with several certificates, and DER', () => {
    const pem = file('several.txt', `One\n${toPem('CERTIFICATE', one.raw)}Two\n${toPem('CERTIFICATE', two.raw)}`);
    assert.equal(fileTrust(pem).size, 2);
    assert.ok(fileTrust(file('der.txt', three.raw)).has(three));
  });
  it('says which file is not there, is none, or holds none', () => {
    refuses(() => fileTrust(join(directory, 'absent.txt')), /absent\.txt" cannot be read \(ENOENT\)$/);
    refuses(() => fileTrust(directory), /is no file$/);
    refuses(() => fileTrust('/dev/null'), /is no file$/);
    refuses(
      () => fileTrust(file('empty.txt', '')),
      /empty\.txt" holds no certificate: .*no PEM block "CERTIFICATE" in 0/,
    );
    refuses(() => fileTrust(file('key.txt', toPem('PRIVATE KEY', one.raw))), /key\.txt" holds no certificate/);
    refuses(() => fileTrust(file('large.txt', new Uint8Array((16 << 20) + 1))), /has 16777217 bytes, over the limit/);
  });
});

describe('trust in a directory', () => {
  it('takes its certificates by name, each once, and reports what cannot be read', () => {
    const path = join(directory, 'certs');
    mkdirSync(join(path, 'sub.pem'), { recursive: true });
    writeFileSync(join(path, 'a.pem'), toPem('CERTIFICATE', one.raw));
    writeFileSync(join(path, 'b.CRT'), toPem('CERTIFICATE', two.raw));
    writeFileSync(join(path, 'c.der'), one.raw);
    writeFileSync(join(path, 'broken.cer'), two.raw.subarray(0, 40));
    writeFileSync(join(path, 'three.txt'), toPem('CERTIFICATE', three.raw));
    writeFileSync(join(path, 'README'), 'not one');
    writeFileSync(join(path, 'sub.pem', 'three.pem'), toPem('CERTIFICATE', three.raw));
    symlinkSync('a.pem', join(path, '5ed36f99.0'));
    symlinkSync('loop.pem', join(path, 'loop.pem'));
    symlinkSync('absent', join(path, 'lost.crt'));
    const store = directoryTrust(path);
    assert.deepEqual([store.size, store.has(one), store.has(two), store.has(three)], [2, true, true, false]);
    assert.deepEqual(
      store.skipped.map(({ source, error }) => [source, error.code, error.message.replace(path, '…')]),
      [
        [join(path, 'broken.cer'), 'malformed', 'certificate: a length beyond the end (at byte 4 of the 40 there)'],
        [join(path, 'loop.pem'), 'empty_trust', 'trust anchors: "…/loop.pem" cannot be read (ELOOP)'],
        [join(path, 'lost.crt'), 'empty_trust', 'trust anchors: "…/lost.crt" cannot be read (ENOENT)'],
      ],
    );
  });
  it('takes a file that only its hash names', () => {
    const path = join(directory, 'hashed');
    mkdirSync(path);
    writeFileSync(join(path, 'authority'), toPem('CERTIFICATE', three.raw));
    symlinkSync('authority', join(path, '0a1b2c3d.0'));
    assert.ok(directoryTrust(path).has(three));
  });
  it('says which directory is not there, or holds none', () => {
    const empty = join(directory, 'empty');
    mkdirSync(empty);
    refuses(() => directoryTrust(join(directory, 'absent')), /absent" cannot be read \(ENOENT\)$/);
    refuses(() => directoryTrust(empty), /empty" holds no certificate that can be read$/);
  });
});
