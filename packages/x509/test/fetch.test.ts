import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Bytes, utf8 } from '@handfast/crypto';
import { cachingFetcher, FetchError, type Fetcher, type FetchRequest, parseHttpUrl } from '../src/index.ts';

const request = (url: string, more: Partial<FetchRequest> = {}): FetchRequest => ({
  url,
  method: 'GET',
  maxBytes: 100,
  timeoutMs: 1000,
  ...more,
});

describe('an http URL', () => {
  it('is taken apart', () => {
    const parts = (url: string): unknown[] => {
      const { host, port, path, address } = parseHttpUrl(url);
      return [host, port, path, address?.length];
    };
    assert.deepEqual(parts('http://crl.example.com/ca.crl'), ['crl.example.com', 80, '/ca.crl', undefined]);
    assert.deepEqual(parts('HTTP://CRL.example.com:8080?q=1'), ['crl.example.com', 8080, '/?q=1', undefined]);
    assert.deepEqual(parts('http://192.0.2.1/'), ['192.0.2.1', 80, '/', 4]);
    assert.deepEqual(parts('http://[2001:DB8::1]:81/x%20y'), ['2001:db8::1', 81, '/x%20y', 16]);
    assert.deepEqual(parts('http://localhost'), ['localhost', 80, '/', undefined]);
  });
  const reasons: readonly (readonly [string, RegExp])[] = [
    ['https://crl.example.com/', /https would need certificates itself$/],
    ['ldap://crl.example.com/', /only http is followed$/],
    ['file:///etc/passwd', /only http is followed$/],
    ['//crl.example.com/', /only http is followed$/],
    ['http:/crl.example.com/', /its host is none$/],
    ['http://user@crl.example.com/', /it has a user name$/],
    ['http://crl.example.com@127.0.0.1/', /it has a user name$/],
    ['http://crl.example.com/#a', /it has a fragment$/],
    ['http://crl.example.com\\@127.0.0.1/', /characters that no URL has$/],
    ['http://crl.example.com/a b', /characters that no URL has$/],
    ['http://crl.example.com/\r\nHost: x', /characters that no URL has$/],
    ['http://exämple.com/', /characters that no URL has$/],
    ['http://crl.example.com:0/', /its port is none$/],
    ['http://crl.example.com:65536/', /its port is none$/],
    ['http://crl.example.com:8a/', /its host is none$/],
    ['http://2130706433/', /its host is none$/],
    ['http://0x7f.1/', /its host is none$/],
    ['http://127.1/', /its host is none$/],
    ['http://0177.0.0.1/', /its host is none$/],
    ['http://::1/', /its host is none$/],
    ['http://[127.0.0.1]/', /its host is none$/],
    ['http://[fe80::1%25eth0]/', /its host is none$/],
    [`http://crl.example.com/${'a'.repeat(2048)}`, /over the limit of 2048$/],
    ['', /characters that no URL has$/],
  ];
  for (const [url, message] of reasons) {
    it(`is not ${JSON.stringify(url).slice(0, 60)}`, () => {
      assert.throws(
        () => parseHttpUrl(url),
        (error) => error instanceof FetchError && error.code === 'url' && message.test(error.message),
      );
    });
  }
});

/** A fetcher that answers when told. */
class Slow {
  readonly calls: FetchRequest[] = [];
  readonly #waiting: PromiseWithResolvers<Bytes>[] = [];
  readonly fetch: Fetcher = (asked) => {
    this.calls.push(asked);
    const promise = Promise.withResolvers<Bytes>();
    this.#waiting.push(promise);
    return promise.promise;
  };
  answer(text: string): void {
    this.#waiting.shift()?.resolve(utf8(text));
  }
  fail(): void {
    this.#waiting.shift()?.reject(new FetchError('status', 'status 500'));
  }
}

describe('a caching fetcher', () => {
  it('asks once at a time for the same thing', async () => {
    const slow = new Slow();
    const fetch = cachingFetcher(slow.fetch);
    const post = { method: 'POST', body: utf8('q') } as const;
    const all = [fetch(request('http://a/')), fetch(request('http://a/')), fetch(request('http://b/'))];
    const posts = [fetch(request('http://a/', post)), fetch(request('http://a/', { ...post, body: utf8('r') }))];
    assert.equal(slow.calls.length, 4);
    for (const answer of ['1', '2', '3', '4']) slow.answer(answer);
    assert.deepEqual(await Promise.all([...all, ...posts]), [...'11234'].map(utf8));
    const again = fetch(request('http://a/'));
    slow.answer('5');
    assert.deepEqual(await again, utf8('5'));
  });
  it('remembers a failure for a while', async () => {
    let now = 0;
    const slow = new Slow();
    const fetch = cachingFetcher(slow.fetch, { failureMs: 100, now: () => now });
    const first = fetch(request('http://a/'));
    slow.fail();
    await assert.rejects(first, { code: 'status' });
    now = 99;
    await assert.rejects(fetch(request('http://a/')), { code: 'status' });
    assert.equal(slow.calls.length, 1);
    now = 100;
    const later = fetch(request('http://a/'));
    slow.answer('up');
    assert.deepEqual(await later, utf8('up'));
  });
  it('remembers so many failures, the latest', async () => {
    let calls = 0;
    const broken: Fetcher = () => {
      calls++;
      throw new FetchError('connection', 'down');
    };
    const fetch = cachingFetcher(broken, { maxFailures: 2, now: () => 0 });
    for (const url of ['http://a/', 'http://b/', 'http://c/', 'http://c/', 'http://b/', 'http://a/']) {
      await assert.rejects(fetch(request(url)), { code: 'connection' });
    }
    assert.equal(calls, 4);
  });
  it('a signal ends its own caller’s waiting, and nobody else’s', async () => {
    const slow = new Slow();
    const fetch = cachingFetcher(slow.fetch);
    const controller = new AbortController();
    const impatient = fetch(request('http://a/', { signal: controller.signal }));
    const patient = fetch(request('http://a/'));
    controller.abort('enough');
    await assert.rejects(impatient, { code: 'aborted', cause: 'enough' });
    await assert.rejects(fetch(request('http://a/', { signal: AbortSignal.abort() })), { code: 'aborted' });
    slow.answer('there');
    assert.deepEqual(await patient, utf8('there'));
    assert.deepEqual([slow.calls.length, slow.calls[0]?.signal], [1, undefined]);
  });
});
