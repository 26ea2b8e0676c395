/**
 * The published vectors of the pseudorandom function of TLS 1.2 and before, as values: NIST's ACVP sample of the extended
 * master secret (RFC 7627 §4, RFC 5246 §6.3) and OpenSSL's steps of the PRF (RFC 5246 §5, RFC 2246 §5). What the files
 * are and whose, README.md says; what computes the answers stands elsewhere.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { type Bytes, concat, fromHex, utf8 } from '@handfast/crypto';

/** A test of ACVP's `TLS-v1.2 / KDF / RFC7627`. */
export interface ExtendedMasterSecretVector {
  readonly tcId: number;
  readonly hash: 'sha256' | 'sha384' | 'sha512';
  /** 48 octets. */
  readonly premaster: Bytes;
  /** The transcript hash up to the ClientKeyExchange, as long as `hash` makes it. */
  readonly sessionHash: Bytes;
  /** 32 octets. */
  readonly clientRandom: Bytes;
  /** 32 octets. */
  readonly serverRandom: Bytes;
  /** `PRF(premaster, "extended master secret", sessionHash)`, 48 octets. */
  readonly masterSecret: Bytes;
  /** `PRF(masterSecret, "key expansion", serverRandom + clientRandom)`, 128 octets. */
  readonly keyBlock: Bytes;
}

/** One call of the PRF: `md5-sha1` is that of TLS 1.0 and 1.1, a hash by its name that of TLS 1.2. */
export interface PrfVector {
  readonly hash: 'md5-sha1' | 'sha256' | 'sha384' | 'sha512';
  readonly secret: Bytes;
  /** The label in ASCII and what follows it, as one. */
  readonly seed: Bytes;
  /** As many octets as are to be asked for. */
  readonly output: Bytes;
}

/** The 14 tests of ACVP's sample, in its order; the twelve of SHA-256 are published as one and the same. */
export function acvpTls12(): readonly ExtendedMasterSecretVector[] {
  const { vectors, expected } = JSON.parse(vector('acvp-tls12.json.gz')) as AcvpSample;
  const answers = new Map(expected.testGroups.flatMap(({ tests }) => tests).map((test) => [test.tcId, test]));
  return vectors.testGroups.flatMap(({ hashAlg, tests }) =>
    tests.map((test) => {
      const answer = answers.get(test.tcId);
      assert.ok(answer, `tcId ${test.tcId} has no answer`);
      return {
        tcId: test.tcId,
        hash: known(acvpHashes, hashAlg),
        premaster: fromHex(test.preMasterSecret),
        sessionHash: fromHex(test.sessionHash),
        clientRandom: fromHex(test.clientRandom),
        serverRandom: fromHex(test.serverRandom),
        masterSecret: fromHex(answer.masterSecret),
        keyBlock: fromHex(answer.keyBlock),
      };
    }),
  );
}

/**
 * The seven tests of OpenSSL's two files that have an answer, TLS 1.0 and 1.1 first. Left out are those that fail by
 * OpenSSL's own rules, and the one with SHA-512/256, which no cipher suite has.
 */
export function opensslPrf(): readonly PrfVector[] {
  const blocks = ['openssl-tls11-prf.txt.gz', 'openssl-tls12-prf.txt.gz'].flatMap((name) =>
    vector(name).split(/\n\s*\n/),
  );
  return blocks.map(linesOf).flatMap((lines) => {
    const only = (name: string): string | undefined => lines.find((line) => line.name === name)?.value;
    const digest = only('Ctrl.digest')?.replace('digest:', '');
    const output = only('Output');
    if (output === undefined || only('Result') !== undefined || digest === 'SHA512-256') return [];
    return {
      hash: known(opensslHashes, digest),
      secret: concat(...controls(lines, 'secret')),
      seed: concat(...controls(lines, 'seed')),
      output: fromHex(output),
    };
  });
}

interface AcvpSample {
  readonly vectors: {
    readonly testGroups: readonly {
      readonly hashAlg: string;
      readonly tests: readonly {
        readonly tcId: number;
        readonly preMasterSecret: string;
        readonly sessionHash: string;
        readonly clientRandom: string;
        readonly serverRandom: string;
      }[];
    }[];
  };
  readonly expected: {
    readonly testGroups: readonly {
      readonly tests: readonly { readonly tcId: number; readonly masterSecret: string; readonly keyBlock: string }[];
    }[];
  };
}

interface Line {
  readonly name: string;
  readonly value: string;
}

const acvpHashes: ReadonlyMap<string, 'sha256' | 'sha384' | 'sha512'> = new Map([
  ['SHA2-256', 'sha256'],
  ['SHA2-384', 'sha384'],
  ['SHA2-512', 'sha512'],
]);

const opensslHashes: ReadonlyMap<string, PrfVector['hash']> = new Map([
  ['MD5-SHA1', 'md5-sha1'],
  ['SHA256', 'sha256'],
  ['SHA384', 'sha384'],
  ['SHA512', 'sha512'],
]);

function vector(name: string): string {
  return gunzipSync(readFileSync(new URL(`../vectors/${name}`, import.meta.url))).toString();
}

/** A file's name of a hash as ours; one that is new in a file is an error, not a test that is quietly left out. */
function known<Hash>(hashes: ReadonlyMap<string, Hash>, name: string | undefined): Hash {
  const hash = hashes.get(name ?? '');
  assert.ok(hash, `a hash without a row: ${name}`);
  return hash;
}

/** The `name = value` lines of a block, without its comments. */
function linesOf(block: string): readonly Line[] {
  return block.split('\n').flatMap((line) => {
    const at = line.indexOf(' = ');
    return line.startsWith('#') || at < 0 ? [] : { name: line.slice(0, at), value: line.slice(at + 3) };
  });
}

/** The values of a parameter, in order: `seed:` is text, `hexseed:` octets, whatever the line itself is called. */
function controls(lines: readonly Line[], parameter: string): readonly Bytes[] {
  return lines.flatMap(({ name, value }) => {
    if (!name.startsWith('Ctrl.')) return [];
    if (value.startsWith(`${parameter}:`)) return utf8(value.slice(parameter.length + 1));
    if (value.startsWith(`hex${parameter}:`)) return fromHex(value.slice(parameter.length + 4));
    return [];
  });
}
