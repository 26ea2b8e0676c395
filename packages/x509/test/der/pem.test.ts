import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { toHex, utf8 } from '@handfast/crypto';
import fc from 'fast-check';
import { parsePem, toPem } from '../../src/der/pem.ts';
import { CertificateError } from '../../src/errors.ts';

function refuses(text: string, why: RegExp): void {
  assert.throws(
    () => parsePem(text),
    (error) => error instanceof CertificateError && error.code === 'malformed' && why.test(error.message),
  );
}

const block = (body: string, label = 'X'): string => `-----BEGIN ${label}-----\n${body}\n-----END ${label}-----\n`;

describe('PEM', () => {
  it('comes back as it went in', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const [only, ...rest] = parsePem(toPem('THING', bytes));
        assert.equal(only?.label, 'THING');
        assert.equal(toHex(only?.bytes ?? utf8('none')), toHex(bytes));
        assert.equal(rest.length, 0);
      }),
    );
  });
  it('has lines of 64 characters', () => {
    assert.equal(toPem('A', new Uint8Array(49)).split('\n')[1]?.length, 64);
  });
  it('is found several times, with text between, indented, under any line ends', () => {
    const text = `subject=/CN=x\r\n${block('AQ==').replaceAll('\n', '\r\n')}note: hello\n  ${block('Ag==', 'Y').replaceAll('\n', '\n  ')}`;
    assert.deepEqual(
      parsePem(utf8(text)).map(({ label, bytes }) => [label, toHex(bytes)]),
      [
        ['X', '01'],
        ['Y', '02'],
      ],
    );
  });
  it('is nothing where there is none', () => assert.deepEqual(parsePem('hello\n-----BEGIN-----\n'), []));
  it('keeps the headers of the old format', () => {
    assert.deepEqual(parsePem(block('Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA'))[0]?.headers, [
      'Proc-Type: 4,ENCRYPTED',
      'DEK-Info: AES-128-CBC,00',
    ]);
  });
  it('decodes what stands under such headers, and takes none behind it', () => {
    assert.equal(toHex(parsePem(block('DEK-Info: x\n\nAQI=\n'))[0]?.bytes ?? utf8('none')), '0102');
    refuses(block('AQID\nDEK: abcd'), /":" in the Base64/);
  });
  it('of many empty lines is read in no time', () => {
    assert.deepEqual(parsePem(block(`${'\n'.repeat(200_000)}A: b\nAQI=`))[0]?.headers, ['A: b']);
  });
  it('has an end', () => refuses('-----BEGIN X-----\nAQ==\n', /has no end/));
  it('ends as it begins', () => refuses('-----BEGIN X-----\nAQ==\n-----END Y-----', /"X" ends as "Y"/));
  it('does not begin within itself', () => refuses('-----BEGIN X-----\n-----BEGIN Y-----\n', /begins before/));
  it('holds Base64 alone', () => refuses(block('A*=='), /"\*" in the Base64/));
  it('holds whole groups', () => refuses(block('AQE'), /cut short/));
  it('holds canonical Base64', () => refuses(block('AR=='), /stray bits/));
  it('has padding at the end alone', () => refuses(block('A=AA'), /"=" in the Base64/));
});
