import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { type Bytes, copyBytes, toHex } from '@handfast/crypto';
import { nodeProvider } from '@handfast/crypto/node';
import fc from 'fast-check';
import { parseCertificate } from '../src/certificate.ts';
import { parseCrl } from '../src/crl.ts';
import { parsePem, toPem } from '../src/der/pem.ts';
import { CertificateError } from '../src/errors.ts';
import { encodeExtension } from '../src/extensions.ts';
import { parsePublicKey } from '../src/keys.ts';
import { parseDirectoryName } from '../src/names/directory.ts';
import { parseOcspRequest } from '../src/ocsp/request.ts';
import { parseOcspResponse } from '../src/ocsp/response.ts';
import { parsePkcs7 } from '../src/pkcs7.ts';
import { readPkcs12 } from '../src/pkcs12.ts';
import { decryptPrivateKey, parsePrivateKey } from '../src/private-keys.ts';
import { parseRequest } from '../src/request.ts';
import { parseSubjectKey } from '../src/subject-keys.ts';
import { trustStore } from '../src/trust.ts';
import { mutants } from './support/mutate.ts';
import { certificateAgain, crlAgain, extensionAgain, keyAgain, nameAgain, requestAgain } from './support/re-encode.ts';

const vectors = new URL('vectors/', import.meta.url);

function file(path: string): Bytes {
  return copyBytes(readFileSync(new URL(path, vectors)));
}

const pkits: { readonly certs: Readonly<Record<string, string>>; readonly crls: Readonly<Record<string, string>> } =
  JSON.parse(gunzipSync(file('pkits/pkits.json.gz')).toString());
const decoded = (texts: Readonly<Record<string, string>>): readonly Bytes[] =>
  Object.values(texts).map((text) => copyBytes(Buffer.from(text, 'base64')));

/** One of them has a signature of no whole number of bytes, and is for tests of refusals. */
const certificates = decoded(pkits.certs).filter((bytes) => accepted(() => parseCertificate(bytes)) !== undefined);
const crls = decoded(pkits.crls);
const requests = ['containers/request.pem', 'containers/request-challenge.pem'].map(blockOf);
const ocspResponses = filesIn('ocsp', '.resp.der');
const ocspRequests = filesIn('ocsp', '.req.der');
const pkcs12Files = filesIn('key-files/pkcs12', '.p12');
const pkcs7Files = filesIn('key-files/pkcs7', '.der');
const keyFiles = [...filesIn('key-files/pkcs8', '.pem'), ...filesIn('containers', '.pem')];

function filesIn(folder: string, suffix: string): readonly Bytes[] {
  const names = readdirSync(new URL(`${folder}/`, vectors)).filter((name) => name.endsWith(suffix));
  assert.notEqual(names.length, 0, `${folder} holds no ${suffix}`);
  return names.sort().map((name) => file(`${folder}/${name}`));
}

function blockOf(path: string): Bytes {
  const [block] = parsePem(file(path));
  assert.ok(block);
  return block.bytes;
}

/** What `decode` makes of the bytes; `undefined` where it refuses them by the package's own error. */
function accepted<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch (error) {
    if (error instanceof CertificateError) return undefined;
    throw error;
  }
}

/** The same bytes, with words that say which where they are not. */
function assertSame(again: Uint8Array, original: Uint8Array): void {
  if (Buffer.compare(again, original) !== 0) assert.equal(toHex(again), toHex(original));
}

/** All that can be asked of an object, lazily decoded fields too. */
function touch(object: object): void {
  for (
    let shape: object | null = object;
    shape !== null && shape !== Object.prototype;
    shape = Object.getPrototypeOf(shape)
  ) {
    for (const [name, { get }] of Object.entries(Object.getOwnPropertyDescriptors(shape))) {
      if (get !== undefined && name !== '__proto__') accepted(() => Reflect.get(object, name));
    }
  }
}

interface Decoder {
  readonly name: string;
  readonly seeds: readonly Bytes[];
  readonly decode: (bytes: Bytes) => object;
  /** Its bytes again, from the fields. */
  readonly again?: (bytes: Bytes) => Bytes;
}

const limits = { iterations: 2000, scryptBytes: 1 << 16 };

const decoders: readonly Decoder[] = [
  {
    name: 'certificates',
    seeds: certificates,
    decode: parseCertificate,
    again: (bytes) => certificateAgain(parseCertificate(bytes)),
  },
  { name: 'CRLs', seeds: crls, decode: parseCrl, again: (bytes) => crlAgain(parseCrl(bytes)) },
  { name: 'requests', seeds: requests, decode: parseRequest, again: (bytes) => requestAgain(parseRequest(bytes)) },
  {
    name: 'public keys',
    seeds: certificates.map((bytes) => parseCertificate(bytes).spki),
    decode: parsePublicKey,
    again: (bytes) => keyAgain(parsePublicKey(bytes)),
  },
  {
    name: 'keys of any kind',
    seeds: certificates.map((bytes) => parseCertificate(bytes).spki),
    decode: parseSubjectKey,
  },
  {
    name: 'directory names',
    seeds: certificates.map((bytes) => parseCertificate(bytes).subject.raw),
    decode: (bytes) => parseDirectoryName(bytes),
    again: (bytes) => nameAgain(parseDirectoryName(bytes)),
  },
  { name: 'OCSP responses', seeds: ocspResponses, decode: parseOcspResponse },
  { name: 'OCSP requests', seeds: ocspRequests, decode: parseOcspRequest },
  { name: 'PKCS#7 files', seeds: pkcs7Files, decode: parsePkcs7 },
  { name: 'private keys', seeds: keyFiles, decode: parsePrivateKey },
];

describe('what is accepted is written again as the same bytes', () => {
  for (const { name, seeds, decode, again } of decoders) {
    if (again === undefined) continue;
    it(`${name}, as CAs make them`, () => {
      for (const seed of seeds) {
        if (accepted(() => decode(seed)) !== undefined) assertSame(again(seed), seed);
      }
    });

    it(`${name}, mutated`, () => {
      let taken = 0;
      for (const [index, seed] of seeds.slice(0, 40).entries()) {
        for (const bytes of mutants(seed, seeds, index, Math.ceil(3000 / Math.min(40, seeds.length)))) {
          if (accepted(() => decode(bytes)) === undefined) continue;
          taken++;
          assertSame(again(bytes), bytes);
        }
      }
      assert.ok(taken > 100, `only ${taken} mutants were accepted`);
    });
  }

  it('extensions, and mutated ones', () => {
    let taken = 0;
    for (const [index, seed] of certificates.entries()) {
      for (const extension of parseCertificate(seed).extensions) {
        const donors = parseCertificate(certificates[(index + 1) % certificates.length] ?? seed).extensions;
        for (const value of [
          extension.value,
          ...mutants(
            extension.value,
            donors.map((one) => one.value),
            index,
            10,
          ),
        ]) {
          const again = accepted(() => extensionAgain({ ...extension, value }));
          if (again === undefined) continue;
          taken++;
          assertSame(again, encodeExtension(extension.oid, extension.critical, value));
        }
      }
    }
    assert.ok(taken > 1000, `only ${taken} were accepted`);
  });

  it('PEM of any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const [block, ...others] = parsePem(toPem('TEST', bytes));
        assert.deepEqual(others, []);
        assertSame(block?.bytes ?? new Uint8Array(), bytes);
      }),
    );
  });
});

describe('bytes of any kind end in an object or in a CertificateError', () => {
  for (const { name, seeds, decode } of decoders) {
    it(`${name}: random bytes`, () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void accepted(() => decode(copyBytes(bytes)))),
      );
    });

    it(`${name}: mutated files, every field asked for`, () => {
      for (const [index, seed] of seeds.slice(0, 40).entries()) {
        for (const bytes of mutants(seed, seeds, 1000 + index, Math.ceil(2000 / Math.min(40, seeds.length)))) {
          const object = accepted(() => decode(bytes));
          if (object !== undefined) touch(object);
        }
      }
    });
  }

  it('PKCS#12 files and encrypted keys, under a password', () => {
    for (const [index, seed] of [...pkcs12Files, ...keyFiles].entries()) {
      for (const bytes of mutants(seed, pkcs12Files, index, 30)) {
        accepted(() => readPkcs12(nodeProvider, bytes, '', { limits, allowNoMac: true }));
        accepted(() => decryptPrivateKey(nodeProvider, bytes, 'password', { limits }));
      }
    }
  });

  it('trust anchors: what cannot be read is skipped', () => {
    for (const [index, seed] of certificates.slice(0, 40).entries()) {
      for (const bytes of mutants(seed, certificates, index, 20)) {
        const store = trustStore([bytes, toPem('CERTIFICATE', bytes)]);
        assert.equal(store.anchors.length > 0, accepted(() => parseCertificate(bytes)) !== undefined, toHex(bytes));
      }
    }
  });
});
