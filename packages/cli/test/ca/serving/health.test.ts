import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Signer } from '@handfast/crypto';
import { nodeProvider as provider } from '@handfast/crypto/node';
import { issueCrl } from '@handfast/x509';
import { makeAuthority } from '../../../src/authority.ts';
import { readiness } from '../../../src/ca/serving/health.ts';

const day = 86_400_000;
const start = Date.UTC(2026, 10, 1);

type Ca = Parameters<typeof readiness>[0];

/** A CA of which a test breaks what it likes. */
async function caOf() {
  const { issuer } = await makeAuthority('Test', { from: new Date(start - day), days: 30 });
  const list = await issueCrl({
    issuer,
    number: 1n,
    thisUpdate: new Date(start),
    nextUpdate: new Date(start + day),
    revoked: [],
  });
  const state = {
    now: start,
    newest: start,
    signatures: 0,
    sign: issuer.signer.sign.bind(issuer.signer) as Signer['sign'],
    writes: 0,
    write: async () => 1,
    rows: async (text: string) => (text.includes('max(issued_at)') ? [{ newest: state.newest }] : []),
    crl: async () => list.raw,
  };
  const ca = {
    authority: { issuerId: 'it', crl: () => state.crl() },
    database: {
      all: (text: string) => state.rows(text),
      run() {
        state.writes++;
        return state.write();
      },
    },
    signer: {
      ...issuer.signer,
      sign(algorithm, data) {
        state.signatures++;
        return state.sign(algorithm, data);
      },
    } satisfies Signer,
  } as unknown as Ca;
  return { state, ready: readiness(ca, () => state.now, 20) };
}

const good = { database: 'ok', writes: 'ok', key: 'ok', crl: 'ok', clock: 'ok' };

test('it is ready where database, key, list and clock are well; the key is tried once a minute, and so is a write', async () => {
  const { state, ready } = await caOf();
  assert.deepEqual(await ready(), { ready: true, checks: good });
  assert.deepEqual(await ready(), { ready: true, checks: good });
  assert.deepEqual([state.signatures, state.writes], [1, 1]);
  state.now += 60_000;
  await ready();
  assert.deepEqual([state.signatures, state.writes], [2, 2]);
  state.now += 60_000;
  // What went wrong is tried again at once.
  state.write = () => Promise.reject(new Error('database or disk is full'));
  const wrong = { ready: false, checks: { ...good, writes: 'database or disk is full' } };
  assert.deepEqual([await ready(), await ready(), state.writes], [wrong, wrong, 4]);
});

test('what is not well is said', async () => {
  const table: readonly (readonly [(state: Awaited<ReturnType<typeof caOf>>['state']) => void, object])[] = [
    [
      (state) => {
        state.rows = () => Promise.reject(new Error('the connection is lost'));
      },
      { database: 'the connection is lost', clock: 'the connection is lost' },
    ],
    [
      (state) => {
        state.rows = () => new Promise(() => undefined);
      },
      { database: 'no answer within 20 ms', clock: 'no answer within 20 ms' },
    ],
    [
      (state) => {
        state.sign = () => Promise.reject(new Error('the token was taken out'));
      },
      { key: 'the token was taken out' },
    ],
    [
      (state) => {
        state.sign = async () => new Uint8Array(70);
      },
      { key: 'what the issuer’s key signed does not verify' },
    ],
    [
      (state) => {
        state.now += day;
      },
      { crl: 'the list of what is revoked ended at 2026-11-02T00:00:00.000Z' },
    ],
    [
      (state) => {
        state.newest = start + 10 * 60_000 + 1;
      },
      { clock: 'the clock is behind what was signed' },
    ],
  ];
  for (const [harm, wrong] of table) {
    const { state, ready } = await caOf();
    harm(state);
    assert.deepEqual(await ready(), { ready: false, checks: { ...good, ...wrong } });
  }
});

test('a key that is another’s does not pass', async () => {
  const { state, ready } = await caOf();
  const { signer } = await provider.generateKeyPair('secp256r1');
  state.sign = signer.sign.bind(signer);
  assert.deepEqual((await ready()).checks, { ...good, key: 'what the issuer’s key signed does not verify' });
});
