import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readPin } from '../../pkcs11/src/pin.ts';
import { pkcs11Options } from '../../pkcs11/src/uri.ts';

const module = '/usr/lib/softhsm/libsofthsm2.so';

test('a URI says module, token, key and where the PIN is', () => {
  const uri = `pkcs11:token=ca;object=issuing;type=private?module-path=${module}&pin-source=file:/etc/pin`;
  assert.deepEqual(pkcs11Options(uri), {
    module,
    token: { label: 'ca' },
    key: { label: 'issuing' },
    pin: { file: '/etc/pin' },
  });
});

test('values are percent-decoded, an id to bytes', () => {
  const path = 'token=Die%20CA%20%C3%BC;manufacturer=A%3BB;model=m;serial=00%2f1;slot-id=42;id=%01%ffA';
  assert.deepEqual(pkcs11Options(`pkcs11:${path}?module-path=${module}&pin-source=/run/pin`), {
    module,
    token: { label: 'Die CA ü', manufacturer: 'A;B', model: 'm', serial: '00/1', slotId: 42 },
    key: { id: Buffer.of(1, 255, 65) },
    pin: { file: '/run/pin' },
  });
});

test('a URI that says what is not understood is refused, without its values', () => {
  const begin = 'this is no URI of a key in a token: ';
  for (const [uri, what] of [
    ['file:/x', 'it does not begin with pkcs11:'],
    ['pkcs11:token=ca', 'it has no module-path'],
    [`pkcs11:?module-path=${module}`, 'it names no token'],
    [`pkcs11:tokn=ca?module-path=${module}`, 'it has tokn before the question mark'],
    [`pkcs11:token=ca;s3cret?module-path=${module}`, 'it has s3cret before the question mark'],
    [`pkcs11:token=ca;S3cret?module-path=${module}`, 'it has a part without a name'],
    [`pkcs11:token=ca;token=cb?module-path=${module}`, 'it has token twice'],
    [`pkcs11:token=?module-path=${module}`, 'its token is empty'],
    [`pkcs11:token=%zz?module-path=${module}`, 'its token has a % that is not followed by two digits'],
    [`pkcs11:token=%ff?module-path=${module}`, 'its token is no text in UTF-8'],
    [`pkcs11:token=ca;slot-id=x?module-path=${module}`, 'its slot-id is no number'],
    [`pkcs11:token=ca;type=cert?module-path=${module}`, 'its type is not private'],
    [`pkcs11:token=ca?module-path=${module}&pin-value=1234`, 'it has pin-value after the question mark'],
    [`pkcs11:token=ca?module-name=softhsm2`, 'it has module-name after the question mark'],
    [`pkcs11:token=ca?module-path=${module}&pin-source=|cat`, 'its pin-source is no file'],
    [`pkcs11:token=ca?module-path=${module}&pin-source=file://host/pin`, 'its pin-source is no file'],
  ] as const) {
    assert.throws(() => pkcs11Options(uri), { name: 'Pkcs11Error', code: 'settings', message: `${begin}${what}` });
  }
});

test('a PIN is the first line of a file, or of a credential, and bytes that a function gives are wiped', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'handfast-pin-'));
  const { CREDENTIALS_DIRECTORY: before } = process.env;
  try {
    const write = (name: string, content: string): string => {
      const file = join(folder, name);
      writeFileSync(file, content);
      return file;
    };
    assert.deepEqual(await readPin({ file: write('unix', '1234\nsecond\n') }), Uint8Array.from(Buffer.from('1234')));
    assert.deepEqual(await readPin({ file: write('windows', '12 34\r\n') }), Uint8Array.from(Buffer.from('12 34')));
    process.env.CREDENTIALS_DIRECTORY = folder;
    assert.deepEqual(await readPin({ credential: 'unix' }), Uint8Array.from(Buffer.from('1234')));
    await assert.rejects(readPin({ credential: '../unix' }), { code: 'pin' });
    await assert.rejects(readPin({ file: write('empty', '\n1234') }), { code: 'pin', message: 'the PIN is empty' });
    await assert.rejects(readPin({ file: write('long', 'x'.repeat(1025)) }), { message: 'the PIN is far too long' });
    await assert.rejects(readPin({ file: join(folder, 'none') }), { code: 'pin', message: /: ENOENT$/ });
    const given = Uint8Array.of(0x31);
    assert.deepEqual(await readPin(() => given), Uint8Array.of(0x31));
    assert.deepEqual(given, Uint8Array.of(0));
    const uri = `pkcs11:token=ca?module-path=${module}`;
    assert.equal(pkcs11Options(uri).pin, undefined);
    write('handfast-token-pin', '1234');
    assert.deepEqual(pkcs11Options(uri).pin, { credential: 'handfast-token-pin' });
  } finally {
    if (before === undefined) delete process.env.CREDENTIALS_DIRECTORY;
    else process.env.CREDENTIALS_DIRECTORY = before;
    rmSync(folder, { recursive: true });
  }
});
