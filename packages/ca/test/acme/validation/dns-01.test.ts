import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { nodeProvider } from '@handfast/crypto/node';
import { ValidationFailure } from '../../../src/acme/validation/challenge.ts';
import { dns01 } from '../../../src/acme/validation/dns-01.ts';

const keyAuthorization = 'token.thumbprint';
const digest = createHash('sha256').update(keyAuthorization).digest('base64url');
const identifier = { type: 'dns', value: 'app.test' } as const;

type Resolve = (name: string, signal: AbortSignal) => Promise<readonly string[]>;

const validate = (resolveTxt: Resolve): Promise<void> =>
  dns01({ provider: nodeProvider, resolveTxt, timeoutMs: 50 }).validate({
    identifier,
    token: 'token',
    keyAuthorization,
    signal: new AbortController().signal,
  });

test('a TXT record below the name proves it, among others that were left there', async () => {
  const names: string[] = [];
  await validate(async (name) => {
    names.push(name);
    return ['of yesterday', digest];
  });
  assert.deepEqual(names, ['_acme-challenge.app.test']);
});

test('it proves wildcards, and no addresses', () => {
  const challenge = dns01({ provider: nodeProvider });
  assert.equal(challenge.offers({ identifier, wildcard: true }), true);
  assert.equal(challenge.offers({ identifier: { type: 'ip', value: '10.0.0.1' }, wildcard: false }), false);
});

test('another record, no record, a failed query and one without an end each have their type', async () => {
  const table: readonly (readonly [resolve: Resolve, type: string])[] = [
    [async () => ['something else', digest.toUpperCase()], 'unauthorized'],
    [async () => [], 'dns'],
    [async () => await Promise.reject(new Error('SERVFAIL at 10.1.1.1')), 'dns'],
    [() => new Promise(() => undefined), 'dns'],
  ];
  for (const [resolve, type] of table) {
    await assert.rejects(validate(resolve), (error: unknown) => {
      assert.ok(error instanceof ValidationFailure);
      assert.doesNotMatch(error.detail, /10\.1|something/);
      return error.type === type || error.detail === 'the validation took too long';
    });
  }
});
