/**
 * `@handfast/ca/pkcs11` with SoftHSM2: every signature that its tokens make, a whole CA over it, and what goes wrong with tokens.
 * `interop/pkcs11/install.sh` installs what this needs. Exit code 0 only if all is as it must be.
 *
 * @module
 */

import { strict as assert } from 'node:assert';
import { execFile } from 'node:child_process';
import { constants, createPublicKey, verify, X509Certificate } from 'node:crypto';
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import type { Worker } from 'node:worker_threads';
import openSigner, {
  openPkcs11Signer,
  type Pkcs11Options,
  type Pkcs11Signer,
  pkcs11Options,
} from '@handfast/ca/pkcs11';
import type { SignatureAlgorithm } from '@handfast/crypto';
import { nodeProvider as provider } from '@handfast/crypto/node';
import { issueCertificate } from '@handfast/x509';
import { newKey, openCa, wholeLife } from './authority.ts';
import { check, tell } from './checks.ts';
import { type KeyKind, SoftHsm } from './softhsm.ts';

const hsm = new SoftHsm();
hsm.token('ca', '1234');
const pin = { file: hsm.file('pin', '1234\n') };
const wrongPin = { file: hsm.file('wrong-pin', '4321\n') };
const data = Buffer.from('what is signed');

const kinds: Readonly<Record<string, KeyKind>> = {
  'P-256': 'EC:secp256r1',
  'P-384': 'EC:secp384r1',
  'P-521': 'EC:secp521r1',
  'RSA 2048': 'rsa:2048',
  'RSA 3072': 'rsa:3072',
  Ed25519: 'EC:edwards25519',
};
const ids = new Map(Object.entries(kinds).map(([label, kind]) => [label, hsm.key(kind, label)]));

/** Each thread that talks to a token. */
const threads: Worker[] = [];
process.on('worker', (worker) => threads.push(worker));

async function withSigner<T>(options: Partial<Pkcs11Options>, work: (signer: Pkcs11Signer) => Promise<T>): Promise<T> {
  const signer = await openPkcs11Signer({ module: hsm.module, token: 'ca', key: 'P-256', pin, ...options });
  try {
    return await work(signer);
  } finally {
    await signer.close();
  }
}

/** By OpenSSL, through Node: nothing of ours is in it. */
function isGood(signer: Pkcs11Signer, algorithm: SignatureAlgorithm, signature: Uint8Array): boolean {
  const key = createPublicKey({ key: Buffer.from(signer.publicKey.spki), format: 'der', type: 'spki' });
  const hash = /sha\d+$/.exec(algorithm)?.[0] ?? null;
  const padding = algorithm.startsWith('rsa-pss') ? constants.RSA_PKCS1_PSS_PADDING : constants.RSA_PKCS1_PADDING;
  const options = algorithm.startsWith('rsa') ? { padding, saltLength: constants.RSA_PSS_SALTLEN_DIGEST } : {};
  return verify(hash, data, { key, ...options }, signature);
}

async function signatures(): Promise<void> {
  const made: readonly (readonly [string, number])[] = [
    ['P-256', 3],
    ['P-384', 3],
    ['P-521', 3],
    ['RSA 2048', 6],
    ['RSA 3072', 6],
    ['Ed25519', 1],
  ];
  for (const [key, count] of made) {
    await check(`${key}: ${count} kinds of signature are good`, () =>
      withSigner({ key }, async (signer) => {
        assert.equal(signer.algorithms.length, count);
        for (const algorithm of signer.algorithms) {
          assert.equal(isGood(signer, algorithm, await signer.sign(algorithm, data)), true, algorithm);
        }
      }),
    );
  }
  for (const key of ['P-256', 'RSA 2048', 'Ed25519']) {
    await check(`${key}: a CA issues, revokes, lists and answers OCSP`, () =>
      withSigner({ key }, (signer) => wholeLife(hsm, signer)),
    );
  }
  await check('two keys sign 100 times at once', () =>
    withSigner({ key: 'P-256' }, (first) =>
      withSigner({ key: 'Ed25519' }, async (second) => {
        const all = Array.from({ length: 50 }, () => [first, second]).flat();
        await Promise.all(
          all.map(async (signer) => {
            const [algorithm] = signer.algorithms;
            assert.ok(algorithm !== undefined && isGood(signer, algorithm, await signer.sign(algorithm, data)));
          }),
        );
        assert.equal(threads.length > 0, true);
      }),
    ),
  );
  await check('an algorithm that the key does not have is refused', () =>
    withSigner({ key: 'P-256' }, (signer) =>
      assert.rejects(signer.sign('ed25519', data), { name: 'CryptoError', code: 'unsupported' }),
    ),
  );
}

async function naming(): Promise<void> {
  const query = `?module-path=${hsm.module}&pin-source=file:${pin.file}`;
  await check('a key is named by a URI, by its label and by its id', async () => {
    for (const key of ['object=P-384', `id=%${ids.get('P-384')}`]) {
      const signer = await openSigner({ uri: `pkcs11:token=ca;${key};type=private${query}` });
      assert.equal(signer.publicKey.type, 'secp384r1');
      await signer.close();
    }
  });
  await check('a setting that is none is refused', () =>
    assert.rejects(openSigner(Object.assign({ uri: '' }, { pin: '1234' })), {
      code: 'settings',
      message: 'a key in a token has no setting "pin"',
    }),
  );
  await check('a PIN is one of systemd’s credentials', async () => {
    process.env.CREDENTIALS_DIRECTORY = hsm.folder;
    hsm.file('handfast-token-pin', '1234\n');
    const options = pkcs11Options(`pkcs11:token=ca;object=P-256?module-path=${hsm.module}`);
    delete process.env.CREDENTIALS_DIRECTORY;
    assert.deepEqual(options.pin, { credential: 'handfast-token-pin' });
    process.env.CREDENTIALS_DIRECTORY = hsm.folder;
    await withSigner(options, async ({ publicKey }) => assert.equal(publicKey.type, 'secp256r1'));
    delete process.env.CREDENTIALS_DIRECTORY;
  });
  await check('a key, a token and a module that are not there are told of with those that are', async () => {
    const refused = (options: Partial<Pkcs11Options>, code: string, message: RegExp, hint: RegExp): Promise<void> =>
      assert.rejects(
        withSigner(options, async () => undefined),
        { name: 'Pkcs11Error', code, message, hint },
      );
    await refused({ key: 'P-257' }, 'key', /^the token has no private key "P-257"$/, /^there are .*"P-256" \(id 01\)/);
    await refused({ key: {} }, 'key', /more than one private key that may sign$/, /"Ed25519" \(id 06\)/);
    await refused({ token: 'cb' }, 'token', /^the token labelled "cb" is not there$/, /^there is "ca" \(serial /);
    await refused({ module: '/nowhere.so' }, 'settings', /is not there$/, /whole path/);
    await refused({ module: hsm.file('no.so', '') }, 'module', /^the token’s module does not load/, /whole path/);
  });
  await check('of two tokens with one label the serial number says which', async () => {
    for (let i = 0; i < 2; i++) hsm.token('twin', '1234');
    const [first = ''] = hsm.serials('twin');
    const key = 'P-256';
    const twin = (token: Pkcs11Options['token']): Promise<void> => withSigner({ token, key }, async () => undefined);
    await assert.rejects(twin('twin'), { code: 'token', message: 'there is more than one token labelled "twin"' });
    await assert.rejects(twin({ label: 'twin', serial: first }), {
      code: 'key',
      hint: 'there is no private key at all',
    });
  });
}

async function otherKeys(): Promise<void> {
  await check('a key that asks for its PIN each time signs', async () => {
    hsm.key('EC:secp256r1', 'always', '--always-auth');
    await withSigner({ key: 'always' }, async (signer) => {
      for (let i = 0; i < 2; i++) {
        assert.equal(isGood(signer, 'ecdsa-sha256', await signer.sign('ecdsa-sha256', data)), true);
      }
    });
  });
  await check('without a public key beside it, the key is known by its certificate', async () => {
    const id = hsm.key('EC:secp256r1', 'bare');
    const { certificate, spki } = await withSigner({ key: 'bare' }, async (signer) => ({
      spki: Buffer.from(signer.publicKey.spki),
      certificate: await issueCertificate({
        provider,
        subject: { commonName: 'bare' },
        publicKey: signer.publicKey,
        issuer: { signer },
        ca: true,
        notBefore: new Date(),
        notAfter: new Date(Date.now() + 86_400_000),
      }),
    }));
    assert.equal(new X509Certificate(certificate.raw).checkIssued(new X509Certificate(certificate.raw)), true);
    hsm.tool('--delete-object', '--type', 'pubkey', '--id', id);
    await assert.rejects(
      withSigner({ key: 'bare' }, async () => undefined),
      {
        code: 'key',
        message: 'the token has no public key to this private key',
      },
    );
    const file = hsm.file('bare.der', certificate.raw);
    hsm.tool('--write-object', file, '--type', 'cert', '--id', id);
    await withSigner({ key: 'bare' }, async (signer) => assert.deepEqual(Buffer.from(signer.publicKey.spki), spki));
  });
  await check('a public key of another is found out before a signature leaves', async () => {
    const id = hsm.key('EC:secp256r1', 'mixed');
    const other = hsm.key('EC:secp256r1', 'other');
    const file = join(hsm.folder, 'other.der');
    hsm.tool('--read-object', '--type', 'pubkey', '--id', other, '--output-file', file);
    hsm.tool('--delete-object', '--type', 'pubkey', '--id', id);
    hsm.tool('--write-object', file, '--type', 'pubkey', '--id', id, '--label', 'mixed');
    await withSigner({ key: 'mixed' }, (signer) =>
      assert.rejects(signer.sign('ecdsa-sha256', data), {
        code: 'failed',
        message: 'the token made a signature that its own public key does not verify',
      }),
    );
  });
}

async function faults(): Promise<void> {
  await check('a wrong PIN is tried once, and the right one after it', async () => {
    const open = (options: Partial<Pkcs11Options>): Promise<void> => withSigner(options, async () => undefined);
    await assert.rejects(open({ pin: wrongPin }), {
      code: 'pin',
      message: 'cannot log in to the token "ca": the PIN is wrong (CKR_PIN_INCORRECT)',
    });
    await assert.rejects(open({ pin: wrongPin }), {
      code: 'pin',
      message: 'the token has refused this PIN before: it is not tried again',
    });
    const none = { module: hsm.module, token: 'ca', key: 'P-256' };
    await assert.rejects(openPkcs11Signer(none), { code: 'pin', message: 'the token needs a PIN, and none was named' });
    await open({});
  });
  await check('who closed the last key is logged out', async () => {
    const open = (): Promise<Pkcs11Signer> => openPkcs11Signer({ module: hsm.module, token: 'ca', key: 'P-256' });
    await withSigner({}, async () => (await open()).close());
    await assert.rejects(open(), { code: 'pin' });
  });
  await check('a signer that was closed signs no more', async () => {
    const signer = await withSigner({}, async (open) => open);
    await assert.rejects(signer.sign('ecdsa-sha256', data), { code: 'settings', message: 'the signer is closed' });
    await signer.close();
  });
  await check('a token that was removed is told of; put back, it signs again', () =>
    withSigner({}, async (signer) => {
      const { authority } = await openCa(signer);
      const ask = { names: ['a.corp.example'], by: 'the test' };
      hsm.remove();
      try {
        await assert.rejects(authority.issue({ ...ask, publicKey: await newKey() }), {
          name: 'Pkcs11Error',
          code: 'token',
          message: 'the token labelled "ca" is not there',
          hint: 'there is no token at all',
        });
        assert.equal((await authority.unfinished()).length, 1);
      } finally {
        hsm.putBack();
      }
      await authority.issue({ ...ask, publicKey: await newKey() });
      await authority.close();
    }),
  );
  await check('a thread that was killed has a successor', () =>
    withSigner({}, async (signer) => {
      for (let i = 0; i < 3; i++) {
        await threads.at(-1)?.terminate();
        assert.equal(isGood(signer, 'ecdsa-sha256', await signer.sign('ecdsa-sha256', data)), true);
      }
    }),
  );
  await check('what a killed thread was at is done by its successor', () =>
    withSigner({ key: 'RSA 3072' }, async (signer) => {
      const signing = Array.from({ length: 20 }, () => signer.sign('rsa-pss-sha256', data));
      await signing[0];
      await threads.at(-1)?.terminate();
      for (const signature of await Promise.all(signing))
        assert.equal(isGood(signer, 'rsa-pss-sha256', signature), true);
    }),
  );
  await check('a token that does not answer in time is told of', async () => {
    await assert.rejects(
      withSigner({ timeoutMs: 0.01 }, async () => undefined),
      {
        code: 'failed',
        message: 'the token has not answered for 0.00001 seconds',
      },
    );
    await withSigner({}, async (signer) => void (await signer.sign('ecdsa-sha256', data)));
  });
  const uri = `pkcs11:token=ca;object=P-256?module-path=${hsm.module}&pin-source=file:${pin.file}`;
  await check('a process ends by itself, with close and without, and by exit while the token is at work', async () => {
    const file = fileURLToPath(new URL('./leaving.ts', import.meta.url));
    for (const how of ['close', 'leave', 'exit', 'busy']) {
      const { stderr } = await promisify(execFile)(process.execPath, [...process.execArgv, file, uri, how], {
        timeout: 20_000,
      });
      assert.equal(stderr, '', how);
    }
  });
  await check('without pkcs11js the error says what to install', async () => {
    const here = fileURLToPath(new URL('../../.cache/pkcs11', import.meta.url));
    mkdirSync(here, { recursive: true });
    cpSync(fileURLToPath(new URL('../../../packages/ca/pkcs11/src', import.meta.url)), here, { recursive: true });
    try {
      const { default: open } = await import(pathToFileURL(join(here, 'index.ts')).href);
      await assert.rejects(open({ uri }), {
        code: 'module',
        message: 'keys in tokens need the package pkcs11js, which is not installed',
        hint: 'npm install pkcs11js, with Python and a C++ compiler on the machine',
      });
    } finally {
      rmSync(here, { recursive: true });
    }
  });
}

try {
  await signatures();
  await naming();
  await otherKeys();
  await faults();
} finally {
  hsm.end();
}
process.exitCode = tell() ? 0 : 1;
