/**
 * A client and a server of ours, and a wire that cuts, drops, repeats, reorders, flips and invents bytes. Each case has a
 * seed; a failure prints the command that plays it again.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { nodeLegacyProvider } from '@handfast/crypto/legacy/node';
import { nodeProvider } from '@handfast/crypto/node';
import {
  type ClientOptions,
  type Credential,
  type ServerOptions,
  type TlsError,
  tls12,
  tls13,
  type Version,
} from '@handfast/tls';
import { allLegacyCipherSuites, ssl30, tls10 } from '@handfast/tls/legacy';
import { clientCredential, makeCredential, pki } from '../../packages/tls/test/support/identities.ts';
import { exchange, type Pair, pair, type Wire } from '../../packages/tls/test/support/pair.ts';
import { record, recordsIn } from '../../packages/tls/test/support/wire.ts';
import { type Below, numbers } from '../../packages/x509/test/support/mutate.ts';
import type { Count } from './count.ts';

function flip(bytes: Uint8Array, below: Below): Uint8Array {
  const out = Uint8Array.from(bytes);
  for (let count = 1 + below(3); count > 0; count--) {
    const at = below(out.length);
    out[at] = (out[at] ?? 0) ^ (1 << below(8));
  }
  return out;
}

interface Setting extends Pick<ClientOptions & ServerOptions, 'cipherSuites' | 'provider'> {
  readonly versions: readonly Version[];
}

const old = (versions: readonly Version[], name: string): Setting => ({
  versions,
  cipherSuites: allLegacyCipherSuites.filter((suite) => suite.name === name),
  provider: nodeLegacyProvider,
});

/** What both sides speak: each protocol, each way to protect records, and old key exchanges. */
const settings: readonly Setting[] = [
  { versions: [tls13], provider: nodeProvider },
  { versions: [tls12], provider: nodeProvider },
  { versions: [tls13, tls12], provider: nodeProvider },
  old([tls12], 'TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256'),
  old([tls12, tls10], 'TLS_RSA_WITH_AES_128_CBC_SHA'),
  old([tls10], 'TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA'),
  old([ssl30], 'TLS_RSA_WITH_RC4_128_SHA'),
];

/** An RSA certificate, whose key has the old ways as well. */
const credential: Credential = await rsaCredential();

async function rsaCredential(): Promise<Credential> {
  const { signer, pkcs8 } = await nodeProvider.generateKeyPair('rsa');
  const keyUsage = ['digitalSignature', 'keyEncipherment'] as const;
  const { chain } = await makeCredential({ with: { publicKey: signer.publicKey, keyUsage } });
  const legacyKey = await nodeLegacyProvider.legacy?.importPrivateKey(pkcs8);
  return { chain, signer, ...(legacyKey && { legacyKey }) };
}

/** What can be done to what one side sends. */
const mutations: readonly ((bytes: Uint8Array, below: Below) => readonly Uint8Array[])[] = [
  (bytes, below) => [flip(bytes, below)],
  (bytes, below) => [bytes.subarray(0, below(bytes.length))],
  (bytes) => [bytes, bytes],
  () => [],
  (bytes, below) => {
    const at = below(bytes.length);
    return [bytes.subarray(0, at), bytes.subarray(Math.min(bytes.length, at + 1 + below(16)))];
  },
  (bytes) => [...recordsIn(bytes)].reverse(),
  (bytes, below) => recordsIn(bytes).filter(() => below(3) > 0),
  (bytes, below) => recordsIn(bytes).map((one) => (below(2) === 0 ? flip(one, below) : one)),
  (bytes, below) => [
    record(
      20 + below(5),
      Uint8Array.from({ length: below(40) }, () => below(256)),
    ),
    bytes,
  ],
  (bytes, below) => recordsIn(bytes).flatMap((one) => (one[0] === 22 ? recut(one, below) : [one])),
];

/** A plaintext handshake record in two. */
function recut(one: Uint8Array, below: Below): readonly Uint8Array[] {
  const at = 5 + below(one.length - 4);
  return [record(22, one.subarray(5, at)), record(22, one.subarray(at))];
}

/** Plays one case; throws where an invariant is broken. Answers how both sides ended. */
async function play(seed: number): Promise<readonly string[]> {
  const below = numbers(seed);
  const setting = settings[below(settings.length)] as Setting;
  const both = pair({
    client: { credentials: [clientCredential], alpnProtocols: ['a', 'b'], ...setting },
    server: {
      alpnProtocols: ['b'],
      credentials: [credential],
      ...setting,
      ...(below(2) === 0 ? { clientCertificate: 'require', trust: pki.trust } : {}),
    },
  });
  // Most cases hurt one flight alone: what comes before it must go well for it to be reached.
  const victim = below(4);
  let flight = 0;
  const wire: Wire = (bytes) => {
    const mutate = mutations[below(mutations.length)];
    return flight++ === victim && mutate ? mutate(bytes, below) : [bytes];
  };
  await exchange(both, wire);
  if (both.client.established && both.client.error === undefined)
    both.client.connection.write(Buffer.from('from client'));
  if (both.server.established && both.server.error === undefined)
    both.server.connection.write(Buffer.from('from server'));
  await exchange(both, wire);
  return check(both, setting.versions[0]?.name);
}

function check({ client, server }: Pair, best: string | undefined): readonly string[] {
  for (const { error } of [client, server]) {
    if (error) assert.notEqual(error.code, 'internal', error.stack);
  }
  if (client.established && server.established) {
    assert.equal(client.connection.negotiated?.alpnProtocol, server.connection.negotiated?.alpnProtocol);
    assert.equal(client.connection.negotiated?.group, server.connection.negotiated?.group);
    assert.equal(client.connection.negotiated?.cipherSuite, server.connection.negotiated?.cipherSuite);
    // Nobody in between chooses: it is the best that both speak.
    assert.equal(client.connection.negotiated?.version, best);
    assert.equal(server.connection.negotiated?.version, best);
  }
  // What arrives is what was sent, or nothing: a wire can cut a stream, never change it.
  assert.ok('from client'.startsWith(server.text()), server.text());
  assert.ok('from server'.startsWith(client.text()), client.text());
  return [client, server].map(({ error, established }) => outcome(error, established));
}

function outcome(error: TlsError | null | undefined, established: boolean): string {
  if (error) return error.code === 'peer_alert' ? `peer: ${error.alert}` : error.code;
  return established ? 'connected' : 'waiting';
}

/** Plays cases from a random seed on for so many seconds, or the one of `seed`. */
export async function fuzzWire(seconds: number, only: number | undefined): Promise<Count> {
  const counts = new Map<string, number>();
  let passed = 0;
  let failed = 0;
  const first = only ?? Math.floor(Math.random() * 2 ** 31);
  const end = performance.now() + seconds * 1000;
  for (let seed = first; only === undefined ? performance.now() < end : seed === first; seed++) {
    try {
      for (const how of await play(seed)) counts.set(how, (counts.get(how) ?? 0) + 1);
      passed++;
    } catch (error) {
      failed++;
      console.error(`npm run fuzz -- --only wire --seed ${seed}`, error);
      if (failed === 10) break;
    }
  }
  for (const [how, count] of [...counts].sort(([, a], [, b]) => b - a))
    console.log(`${String(count).padStart(8)}  ${how}`);
  return { passed, failed };
}
