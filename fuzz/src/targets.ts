/**
 * The decoders that take a stranger's bytes, each with good inputs to start from. `run` decodes and asks for every field,
 * and throws where an invariant is broken; that a decoder refuses its input is none of them.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { type Bytes, copyBytes } from '@handfast/crypto';
import { nodeProvider } from '@handfast/crypto/node';
import { TlsError } from '@handfast/tls';
import {
  CertificateError,
  decryptPrivateKey,
  parseCertificate,
  parseCertificates,
  parsePem,
  parsePkcs7,
  parsePrivateKey,
  parseRequest,
  parseSubjectKey,
  readPkcs12,
  trustStore,
} from '@handfast/x509';
import { tls12, tls13 } from '../../packages/tls/src/index.ts';
import { maxMessageLength, readHandshake } from '../../packages/tls/src/messages/handshake.ts';
import { messages12 } from '../../packages/tls/src/tls12/messages.ts';
import { messages13 } from '../../packages/tls/src/tls13/messages.ts';
import { clientCredential, pki } from '../../packages/tls/test/support/identities.ts';
import { connected } from '../../packages/tls/test/support/pair.ts';
import { parseCrl } from '../../packages/x509/src/crl.ts';
import { parseOcspRequest } from '../../packages/x509/src/ocsp/request.ts';
import { parseOcspResponse } from '../../packages/x509/src/ocsp/response.ts';
import { certificateAgain, crlAgain, keyAgain, requestAgain } from '../../packages/x509/test/support/re-encode.ts';

export interface Target {
  readonly name: string;
  readonly seeds: readonly Bytes[];
  readonly run: (bytes: Bytes) => void;
}

export async function targets(): Promise<readonly Target[]> {
  const certificates = pkits('certs').filter((bytes) => accepted(() => parseCertificate(bytes)) !== undefined);
  const keys = filesIn('key-files/pkcs8', '.pem');
  const pkcs12 = [...filesIn('key-files/pkcs12', '.p12'), ...filesIn('containers', '.p12')];
  return [
    {
      name: 'certificate',
      seeds: certificates,
      run: (bytes) => decodes(bytes, parseCertificate, certificateAgain),
    },
    { name: 'crl', seeds: pkits('crls'), run: (bytes) => decodes(bytes, parseCrl, crlAgain) },
    { name: 'ocsp-response', seeds: filesIn('ocsp', '.resp.der'), run: (bytes) => decodes(bytes, parseOcspResponse) },
    { name: 'ocsp-request', seeds: filesIn('ocsp', '.req.der'), run: (bytes) => decodes(bytes, parseOcspRequest) },
    {
      name: 'request',
      seeds: filesIn('containers', '.pem')
        .flatMap((file) => parsePem(file))
        .flatMap(({ label, bytes }) => (label === 'CERTIFICATE REQUEST' ? [bytes] : [])),
      run: (bytes) => decodes(bytes, parseRequest, requestAgain),
    },
    {
      name: 'key',
      seeds: certificates.map((bytes) => parseCertificate(bytes).spki),
      run: (bytes) => decodes(bytes, parseSubjectKey, (key) => keyAgain(key)),
    },
    { name: 'private-key', seeds: keys, run: (bytes) => decodes(bytes, parsePrivateKey) },
    {
      name: 'encrypted-key',
      seeds: keys,
      run: (bytes) => decodes(bytes, (input) => decryptPrivateKey(nodeProvider, input, 'password', { limits })),
    },
    {
      name: 'pkcs12',
      seeds: pkcs12,
      run: (bytes) => decodes(bytes, (input) => readPkcs12(nodeProvider, input, '', { limits, allowNoMac: true })),
    },
    { name: 'pkcs7', seeds: filesIn('key-files/pkcs7', '.der'), run: (bytes) => decodes(bytes, parsePkcs7) },
    { name: 'pem', seeds: filesIn('containers', '.pem'), run: (bytes) => decodes(bytes, parsePem) },
    { name: 'trust', seeds: [...certificates, ...filesIn('containers', '.pem')], run: anchors },
    { name: 'handshake', seeds: await handshakeMessages(), run: handshake },
  ];
}

/** Little work, so that many files are read: none of them needs more than a refusal. */
const limits = { iterations: 3000, scryptBytes: 1 << 20 };

const vectors = new URL('../../packages/x509/test/vectors/', import.meta.url);

function filesIn(folder: string, suffix: string): readonly Bytes[] {
  const names = readdirSync(new URL(`${folder}/`, vectors)).filter((name) => name.endsWith(suffix));
  return names.sort().map((name) => copyBytes(readFileSync(new URL(`${folder}/${name}`, vectors))));
}

function pkits(kind: 'certs' | 'crls'): readonly Bytes[] {
  const file = gunzipSync(readFileSync(new URL('pkits/pkits.json.gz', vectors))).toString();
  const texts: Readonly<Record<string, string>> = JSON.parse(file)[kind];
  return Object.values(texts).map((text) => copyBytes(Buffer.from(text, 'base64')));
}

/** The value, or `undefined` where the input is refused by an error of ours. Anything else that is thrown goes on. */
function accepted<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch (error) {
    if (error instanceof CertificateError || error instanceof TlsError) return undefined;
    throw error;
  }
}

/** Decodes, asks for all, and writes again what can be written: the same bytes must come out. */
function decodes<T extends object>(
  bytes: Bytes,
  decode: (bytes: Bytes) => T | Promise<T>,
  again?: (object: T) => Bytes,
): void {
  const object = accepted(() => decode(bytes));
  if (object instanceof Promise) throw new Error('the node provider is synchronous');
  if (object === undefined) return;
  touch(object);
  if (again !== undefined) assert.deepEqual(again(object), bytes, 'written again, it is other bytes');
}

/** Every getter, and iterators to their end. */
function touch(object: object): void {
  for (let one: object = object; one !== Object.prototype; one = Object.getPrototypeOf(one)) {
    for (const [name, { get }] of Object.entries(Object.getOwnPropertyDescriptors(one)))
      if (get !== undefined) accepted(() => Reflect.get(object, name));
  }
  if (isListing(object)) accepted(() => Array.from(object.entries()));
}

function isListing(object: object): object is { entries(): Iterable<unknown> } {
  return 'entries' in object && typeof object.entries === 'function';
}

function anchors(bytes: Bytes): void {
  const store = trustStore(bytes);
  assert.ok(store.anchors.length <= store.size);
  const certificates = accepted(() => parseCertificates(bytes));
  if (certificates?.length === 1)
    assert.ok(
      certificates.every((one) => store.has(one)),
      'an anchor was not found',
    );
}

/** What a whole handshake says, both ways. */
async function handshakeMessages(): Promise<readonly Bytes[]> {
  const messages: Bytes[] = [];
  const trace = (event: { readonly type: string; readonly message?: { readonly raw: Bytes } }): void => {
    if (event.message !== undefined) messages.push(event.message.raw);
  };
  for (const version of [tls13, tls12]) {
    await connected({
      client: { versions: [version], credentials: [clientCredential], alpnProtocols: ['a', 'b'], trace },
      server: { versions: [version], alpnProtocols: ['b'], clientCertificate: 'require', trust: pki.trust, trace },
    });
  }
  return messages;
}

const everything: ReadonlySet<number> = Object.assign(new Set<number>(), { has: () => true });

/** A message reaches its decoder with a type that was welcome, whole, and within its length. */
function handshake(bytes: Bytes): void {
  const [type = 0] = bytes;
  for (const table of [messages13, messages12]) {
    if (!table.has(type)) continue;
    const body = bytes.subarray(4, 4 + maxMessageLength(table, type, 1 << 16));
    const raw = Uint8Array.of(type, body.length >> 16, body.length >> 8, body.length, ...body);
    accepted(() => readHandshake(table, raw, everything));
    accepted(() => readHandshake(table, raw, new Set()));
  }
}
