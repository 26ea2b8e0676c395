/**
 * From sources to a verdict: which are asked, in which order, what is fetched and kept, and what is refused. What one
 * source says is tested beside it, in `crl.test.ts` and `ocsp.test.ts`.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Bytes, isThenable } from '@handfast/crypto';
import { fullWebProvider } from '@handfast/crypto/web/full';
import {
  type Certificate,
  CertificateError,
  type CertificateErrorCode,
  type Crl,
  checkRevocation,
  FetchError,
  type Fetcher,
  type FetchRequest,
  fetchIssuers,
  type IssueCrlOptions,
  issueCrl,
  RevocationCache,
  type RevocationCheck,
  type RevocationOptions,
  type RevocationVerdict,
  toPem,
  writePkcs7,
} from '../../src/index.ts';
import { issueOcspResponse, type OcspAnswer } from '../../src/issue-ocsp.ts';
import { parseOcspRequest } from '../../src/ocsp/request.ts';
import { asynchronousProvider, type Identity, issued, nodeProvider, now } from '../support/pki.ts';

const hour = 3_600_000;
const at = (hours: number): Date => new Date(now.getTime() + hours * hour);

const rootCrlUrl = 'http://crl.example/root.crl';
const caCrlUrl = 'http://crl.example/ca.crl';
const ocspUrl = 'http://ocsp.example/';
const issuerUrl = 'http://ca.example/ca.cer';

const root = await issued('Root', undefined, { ca: true });
const ca = await issued('CA', root, { ca: true, crlUrls: [rootCrlUrl] });
const pointers = { ocspUrls: [ocspUrl], crlUrls: [caCrlUrl], issuerUrls: [issuerUrl] };
const leaf = await issued('db.internal', ca, { names: ['db.internal'], ...pointers });
const silent = await issued('mute.internal', ca, { names: ['mute.internal'] });
const demanding = await issued('strict.internal', ca, { names: ['strict.internal'], mustStaple: true, ...pointers });

const pathOf = (identity: Identity): readonly Certificate[] => [identity.certificate, ca.certificate, root.certificate];

type Revoked = Pick<IssueCrlOptions['revoked'][number], 'reason' | 'revokedAt'>;

async function crlOf(
  issuer: Identity,
  revoked?: Revoked & { of: Identity },
  more: Partial<IssueCrlOptions> = {},
): Promise<Crl> {
  return issueCrl({
    issuer,
    number: 7n,
    thisUpdate: at(-3),
    nextUpdate: at(21),
    revoked: revoked === undefined ? [] : [{ ...revoked, serialNumber: revoked.of.certificate.serialNumber }],
    ...more,
  });
}

async function ocspOf(of: Identity, status: Partial<OcspAnswer> = {}, nonce?: Uint8Array): Promise<Bytes> {
  const answer = { subject: of.certificate, status: 'good', thisUpdate: at(-1), nextUpdate: at(23), ...status };
  return issueOcspResponse({
    provider: nodeProvider,
    responder: { signer: ca.signer },
    issuer: ca.certificate,
    answers: [answer as OcspAnswer],
    producedAt: at(-1),
    nonce,
  });
}

const lost = { revokedAt: at(-2), reason: 'keyCompromise' } as const;
const rootCrl = await crlOf(root);
const caCrl = await crlOf(ca);
const leafLost = await crlOf(ca, { of: leaf, ...lost });
const caLost = await crlOf(root, { of: ca, revokedAt: at(-50), reason: 'cACompromise' });
const leafGood = await ocspOf(leaf);
const leafLostOcsp = await ocspOf(leaf, { status: 'revoked', ...lost });

/** What is at which URL, and who asked. */
class Network {
  readonly asked: string[] = [];
  readonly #content: ReadonlyMap<string, (request: FetchRequest) => Promise<Uint8Array>>;
  constructor(content: Readonly<Record<string, Uint8Array | ((request: FetchRequest) => Promise<Uint8Array>)>>) {
    this.#content = new Map(
      Object.entries(content).map(([url, found]) => [url, typeof found === 'function' ? found : async () => found]),
    );
  }
  readonly fetch: Fetcher = async (request) => {
    this.asked.push(`${request.method} ${request.url}`);
    const found = this.#content.get(request.url);
    if (found === undefined) throw new FetchError('connection', `nothing at ${request.url}`);
    return Uint8Array.from(await found(request));
  };
}

async function check(
  revocation: RevocationOptions,
  of: Identity = leaf,
  more: Partial<RevocationCheck> = {},
): Promise<readonly RevocationVerdict[]> {
  return checkRevocation({ provider: nodeProvider, path: pathOf(of), time: now, revocation, ...more });
}

async function refuses(
  code: CertificateErrorCode,
  message: string | RegExp,
  revocation: RevocationOptions,
  of: Identity = leaf,
  more: Partial<RevocationCheck> = {},
): Promise<CertificateError> {
  let refusal: unknown;
  try {
    await check(revocation, of, more);
  } catch (error) {
    refusal = error;
  }
  assert.ok(refusal instanceof CertificateError, String(refusal));
  assert.equal(refusal.code, code, refusal.message);
  if (typeof message === 'string') assert.equal(refusal.message, message);
  else assert.match(refusal.message, message);
  return refusal;
}

const statuses = (verdicts: readonly RevocationVerdict[]): string[] =>
  verdicts.map(({ answer }) => (answer.status === 'unknown' ? 'unknown' : `${answer.status} by ${answer.source}`));

const providers = { node: nodeProvider, asynchronous: asynchronousProvider, web: fullWebProvider } as const;

for (const [name, provider] of Object.entries(providers)) {
  describe(`revocation with the ${name} provider`, () => {
    it('is known of each certificate but the anchor, by what is at hand', async () => {
      const verdicts = await check({ mode: 'require', crls: [rootCrl, caCrl] }, leaf, { provider });
      assert.deepEqual(verdicts, [
        {
          certificate: leaf.certificate,
          answer: { status: 'good', source: 'crl', thisUpdate: at(-3), nextUpdate: at(21) },
        },
        {
          certificate: ca.certificate,
          answer: { status: 'good', source: 'crl', thisUpdate: at(-3), nextUpdate: at(21) },
        },
      ]);
    });
    it('is fetched where it is not', async () => {
      const network = new Network({ [ocspUrl]: leafGood, [rootCrlUrl]: rootCrl.raw });
      const verdicts = await check({ mode: 'require', fetch: network.fetch }, leaf, { provider });
      assert.deepEqual(statuses(verdicts), ['good by ocsp', 'good by crl']);
      assert.deepEqual(network.asked.toSorted(), [`GET ${rootCrlUrl}`, `POST ${ocspUrl}`]);
    });
    it('refuses a certificate that was revoked', async () => {
      await refuses('revoked', /says the CRL of 3 hours ago$/, { mode: 'prefer', crls: [leafLost] }, leaf, {
        provider,
      });
    });
  });
}

describe('a certificate that was revoked', () => {
  it('is refused: which one, when, why, who says so and how old that is', async () => {
    const refusal = await refuses(
      'revoked',
      'certificate for "db.internal" was revoked at 2026-11-21T00:00:00Z (keyCompromise), says the CRL of 3 hours ago',
      { mode: 'prefer', crls: [leafLost, rootCrl] },
    );
    assert.equal(refusal.certificate, leaf.certificate);
    assert.match(refusal.hint ?? '', /must be replaced/);
    await refuses(
      'revoked',
      'the certificate of CA "CA" was revoked at 2026-11-19T00:00:00Z (cACompromise), says the CRL of 3 hours ago',
      { mode: 'prefer', crls: [caLost, caCrl] },
    );
    await refuses(
      'revoked',
      'certificate for "db.internal" was revoked at 2026-11-21T00:00:00Z (keyCompromise), says the stapled OCSP response of 1 hour ago',
      { mode: 'prefer', staple: leafLostOcsp },
    );
    await refuses(
      'revoked',
      'certificate for "db.internal" was revoked at 2026-11-21T00:00:00Z for a reason that is not given, says the OCSP response of 1 hour ago',
      { mode: 'prefer', ocsp: [await ocspOf(leaf, { status: 'revoked', revokedAt: at(-2) })] },
    );
  });
  it('is refused where only one of the sources at hand knows', async () => {
    await refuses('revoked', /says the CRL/, { mode: 'prefer', staple: leafGood, crls: [leafLost] });
    await refuses('revoked', /says the OCSP/, { mode: 'prefer', crls: [caCrl], ocsp: [leafGood, leafLostOcsp] });
  });
  it('and put on hold is refused until a newer answer lets it go', async () => {
    const hold = { revokedAt: at(-4), reason: 'certificateHold' } as const;
    const held = await crlOf(ca, { of: leaf, ...hold });
    await refuses('revoked', /was put on hold at .* \(certificateHold\)/, { mode: 'prefer', crls: [held] });
    assert.deepEqual(statuses(await check({ mode: 'prefer', scope: 'leaf', crls: [held], ocsp: [leafGood] })), [
      'good by ocsp',
    ]);
    const older = await ocspOf(leaf, { thisUpdate: at(-5) });
    await refuses('revoked', /on hold/, { mode: 'prefer', crls: [held], ocsp: [older] });
  });
  it('is passed where revocation is off', async () => {
    assert.deepEqual(await check({ mode: 'off', crls: [leafLost], staple: new Uint8Array(1) }), []);
  });
  it('is passed above the leaf where only that is in scope', async () => {
    const revocation = { mode: 'require', scope: 'leaf', crls: [caLost, caCrl] } as const;
    assert.deepEqual(statuses(await check(revocation)), ['good by crl']);
  });
  it('does not have anything fetched any more', async () => {
    const network = new Network({});
    await refuses('revoked', /./, { mode: 'require', crls: [caLost], fetch: network.fetch });
    assert.deepEqual(network.asked, []);
  });
});

describe('a certificate of which nothing is known', () => {
  it('passes where that is preferred to be known, and its verdict says why it is not', async () => {
    const [verdict, above] = await check({ mode: 'prefer', crls: [rootCrl] });
    assert.deepEqual(verdict?.answer, {
      status: 'unknown',
      why: 'no CRL at hand covers certificates issued by "CN=CA"',
    });
    assert.equal(above?.answer.status, 'good');
    const [nothing] = await check({ mode: 'prefer' }, silent);
    assert.deepEqual(nothing?.answer, {
      status: 'unknown',
      why: 'no CRL or OCSP response for it is at hand, and none was fetched',
    });
  });
  it('is refused where that is required, with every source that was tried', async () => {
    const refusal = await refuses(
      'revocation_unknown',
      'it is not known whether certificate for "mute.internal" was revoked, and we require to know: no CRL or OCSP response for it is at hand, and none was fetched',
      { mode: 'require' },
      silent,
    );
    assert.equal(refusal.hint, 'give its CRL or OCSP response, or a function that fetches them');
    const network = new Network({ [rootCrlUrl]: rootCrl.raw });
    const late = await crlOf(ca, undefined, { thisUpdate: at(-48), nextUpdate: at(-24) });
    await refuses(
      'revocation_unknown',
      'it is not known whether certificate for "db.internal" was revoked, and we require to know: the CRL of "CN=CA" is out of date: the next one was due 2026-11-20T02:00:00Z; our clock says 2026-11-21T02:00:00Z; nothing at http://ocsp.example/; nothing at http://crl.example/ca.crl',
      { mode: 'require', crls: [late], fetch: network.fetch },
    );
  });
  it('has the clock’s skew allowed for', async () => {
    const soon = await crlOf(ca, undefined, { thisUpdate: new Date(now.getTime() + 240_000) });
    const revocation = { mode: 'require', scope: 'leaf', crls: [soon] } as const;
    assert.deepEqual(statuses(await check(revocation)), ['good by crl']);
    await refuses('revocation_unknown', /is not valid before/, { ...revocation, clockSkewMs: 0 });
  });
});

describe('a staple', () => {
  it('speaks for the leaf', async () => {
    assert.deepEqual(statuses(await check({ mode: 'prefer', scope: 'leaf', staple: leafGood })), ['good by staple']);
  });
  it('that is no OCSP response is refused', async () => {
    await refuses(
      'bad_status_response',
      /^what is stapled to certificate for "db\.internal" is no OCSP response: OCSP response: /,
      { mode: 'prefer', staple: new Uint8Array([0x30, 3, 2, 1]) },
    );
  });
  it('that is of no use leaves the rest to others', async () => {
    const old = await ocspOf(leaf, { thisUpdate: at(-48), nextUpdate: at(-24) });
    const verdicts = await check({ mode: 'require', scope: 'leaf', staple: old, crls: [caCrl] });
    assert.deepEqual(statuses(verdicts), ['good by crl']);
  });
  it('is demanded by a certificate with the TLS feature, whatever else is known', async () => {
    const staple = await ocspOf(demanding);
    assert.deepEqual(statuses(await check({ mode: 'prefer', scope: 'leaf', staple }, demanding)), ['good by staple']);
    await refuses(
      'bad_status_response',
      'certificate for "strict.internal" demands a stapled OCSP response (RFC 7633), and none was sent',
      { mode: 'prefer', crls: [caCrl] },
      demanding,
    );
    await refuses(
      'bad_status_response',
      /demands a stapled OCSP response \(RFC 7633\), and that which was is not usable: stapled OCSP response for "strict\.internal" /,
      { mode: 'prefer', staple: leafGood, crls: [caCrl] },
      demanding,
    );
    const outside = { mode: 'prefer', scope: 'leaf', mustStaple: false, crls: [caCrl] } as const;
    assert.deepEqual(statuses(await check(outside, demanding)), ['good by crl']);
  });
});

describe('what is fetched', () => {
  it('is OCSP for the leaf and lists for CAs, the other where that fails', async () => {
    const network = new Network({ [caCrlUrl]: caCrl.raw, [rootCrlUrl]: rootCrl.raw });
    const verdicts = await check({ mode: 'require', fetch: network.fetch });
    assert.deepEqual(statuses(verdicts), ['good by crl', 'good by crl']);
    assert.deepEqual(network.asked.toSorted(), [`GET ${caCrlUrl}`, `GET ${rootCrlUrl}`, `POST ${ocspUrl}`]);
  });
  it('is in the order that was asked for', async () => {
    const network = new Network({ [ocspUrl]: leafGood, [caCrlUrl]: caCrl.raw });
    const scope = { mode: 'require', scope: 'leaf', fetch: network.fetch } as const;
    await check({ ...scope, sources: ['crl', 'ocsp'] });
    assert.deepEqual(network.asked, [`GET ${caCrlUrl}`]);
    await refuses('revocation_unknown', /none was fetched$/, { ...scope, sources: [] });
  });
  it('is asked for at once, and a list that two certificates share, once', async () => {
    // Both under the root: one list.
    const lower = await issued('Lower', ca, { ca: true, crlUrls: [caCrlUrl] });
    const end = await issued('end.internal', lower, { names: ['end.internal'], crlUrls: [caCrlUrl] });
    const release = Promise.withResolvers<void>();
    const wait = (raw: Bytes) => async (): Promise<Bytes> => {
      await release.promise;
      return raw;
    };
    const network = new Network({ [rootCrlUrl]: wait(rootCrl.raw), [caCrlUrl]: wait(caCrl.raw) });
    const path = [end, lower, ca, root].map(({ certificate }) => certificate);
    const verdicts = check({ mode: 'prefer', fetch: network.fetch }, leaf, { path });
    assert.deepEqual(network.asked.toSorted(), [`GET ${caCrlUrl}`, `GET ${rootCrlUrl}`]);
    release.resolve();
    assert.deepEqual(statuses(await verdicts), ['unknown', 'good by crl', 'good by crl']);
    assert.equal(network.asked.length, 2);
  });
  it('says what is wanted, how much is taken, and for how long', async () => {
    const requests: FetchRequest[] = [];
    const fetch: Fetcher = async (request) => {
      requests.push(request);
      throw new Error('later');
    };
    const { signal } = new AbortController();
    await check({ mode: 'prefer', scope: 'leaf', fetch, signal });
    await refuses('revocation_unknown', /later$/, { mode: 'require', scope: 'leaf', fetch });
    await refuses('revocation_unknown', /later$/, { mode: 'require', scope: 'leaf', fetch, timeoutMs: 7 });
    assert.deepEqual(
      requests.map(({ method, accept, contentType, maxBytes, timeoutMs }) => [
        method,
        accept,
        contentType,
        maxBytes,
        timeoutMs,
      ]),
      [2000, 10_000, 7].flatMap((time) => [
        ['POST', 'application/ocsp-response', 'application/ocsp-request', 1 << 16, time],
        ['GET', 'application/pkix-crl', undefined, 16 << 20, time],
      ]),
    );
    assert.equal(requests[0]?.signal, signal);
  });
  it('is not believed for having been fetched', async () => {
    const forged = Uint8Array.from(caCrl.raw);
    forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1;
    const network = new Network({ [ocspUrl]: Uint8Array.of(0x30, 0), [caCrlUrl]: forged, [rootCrlUrl]: rootCrl.raw });
    await refuses(
      'revocation_unknown',
      /OCSP response: .*; the signature of the CRL of "CN=CA" does not verify under the key of "CA"$/,
      { mode: 'require', fetch: network.fetch },
    );
  });
  it('answers the nonce that was sent, where one is', async () => {
    const echo = async ({ body }: FetchRequest): Promise<Bytes> =>
      ocspOf(leaf, {}, parseOcspRequest(body ?? new Uint8Array()).nonce);
    const wrong = async (): Promise<Bytes> => ocspOf(leaf, {}, new Uint8Array(32));
    const cache = new RevocationCache();
    const revocation = { mode: 'require', scope: 'leaf', nonce: true, cache } as const;
    for (let round = 1; round <= 2; round++) {
      const network = new Network({ [ocspUrl]: echo });
      assert.deepEqual(statuses(await check({ ...revocation, fetch: network.fetch })), ['good by ocsp']);
      assert.equal(network.asked.length, 1);
    }
    const { fetch } = new Network({ [ocspUrl]: wrong });
    await refuses('revocation_unknown', /nonce/, { ...revocation, fetch });
  });
  it('may be a list in PEM, with a delta that it points to', async () => {
    const deltaUrl = 'http://crl.example/delta.crl';
    const base = await crlOf(ca, undefined, { freshestUrls: [deltaUrl] });
    const delta = await crlOf(ca, { of: leaf, ...lost }, { number: 8n, baseNumber: 7n, thisUpdate: at(-1) });
    const network = new Network({ [caCrlUrl]: Buffer.from(toPem('X509 CRL', base.raw)), [deltaUrl]: delta.raw });
    await refuses('revoked', /says the CRL of 1 hour ago$/, {
      mode: 'prefer',
      scope: 'leaf',
      sources: ['crl'],
      fetch: network.fetch,
    });
  });
  it('follows only http', async () => {
    const network = new Network({});
    const odd = await issued('odd.internal', ca, {
      names: ['odd.internal'],
      ocspUrls: ['https://ocsp.example/'],
      crlUrls: ['ldap://crl.example/', 'https://crl.example/'],
    });
    await check({ mode: 'prefer', scope: 'leaf', fetch: network.fetch }, odd);
    assert.deepEqual(network.asked, []);
  });
});

describe('a revocation cache', () => {
  const content = { [ocspUrl]: leafGood, [rootCrlUrl]: rootCrl.raw };
  it('saves fetching until the next update', async () => {
    const cache = new RevocationCache();
    const network = new Network(content);
    const revocation = { mode: 'require', fetch: network.fetch, cache } as const;
    await check(revocation);
    await check(revocation, leaf, { time: at(20) });
    assert.deepEqual([network.asked.length, cache.size, cache.bytes], [2, 2, leafGood.length + rootCrl.raw.length]);
    await refuses('revocation_unknown', /out of date/, revocation, leaf, { time: at(22) });
    assert.equal(network.asked.length, 3);
  });
  it('serves checks that do not fetch', async () => {
    const cache = new RevocationCache();
    await check({ mode: 'require', fetch: new Network(content).fetch, cache });
    assert.deepEqual(statuses(await check({ mode: 'require', cache })), ['good by ocsp', 'good by crl']);
  });
  it('remembers for a while that there was nothing', async () => {
    const cache = new RevocationCache({ failureMs: 60_000 });
    const network = new Network({});
    const revocation = { mode: 'prefer', fetch: network.fetch, cache } as const;
    const first = await check(revocation);
    assert.equal(network.asked.length, 3);
    assert.deepEqual(await check(revocation, leaf, { time: new Date(now.getTime() + 59_999) }), first);
    assert.equal(network.asked.length, 3);
    await check(revocation, leaf, { time: new Date(now.getTime() + 60_000) });
    assert.equal(network.asked.length, 6);
  });
  it('does not hold an abort against the server', async () => {
    const cache = new RevocationCache();
    const network = new Network({});
    await check({ mode: 'prefer', fetch: network.fetch, cache, signal: AbortSignal.abort() });
    assert.equal(cache.size, 0);
  });
  it('is bounded in number and in bytes, and drops what was used longest ago', () => {
    const cache = new RevocationCache({ maxEntries: 2, maxBytes: 2 * rootCrl.raw.length + 50 });
    const keep = (url: string): void => cache.keep(url, { kind: 'crl', crl: rootCrl }, rootCrl.nextUpdate);
    keep('a');
    keep('b');
    assert.equal(cache.get('a', now)?.kind, 'crl');
    keep('c');
    assert.deepEqual(
      ['a', 'b', 'c'].map((url) => cache.get(url, now)?.kind),
      ['crl', undefined, 'crl'],
    );
    cache.fail('long', 'x'.repeat(60), now);
    assert.deepEqual([cache.size, cache.bytes], [2, rootCrl.raw.length + 60]);
    cache.keep('never', { kind: 'crl', crl: rootCrl }, undefined);
    assert.equal(cache.get('never', now), undefined);
    cache.fail('over', 'x'.repeat(10_000), now);
    assert.equal(cache.get('over', now), undefined);
    cache.clear();
    assert.deepEqual([cache.size, cache.bytes], [0, 0]);
    assert.throws(() => new RevocationCache({ maxBytes: Number.NaN }), RangeError);
  });
});

describe('a check', () => {
  it('is synchronous where nothing is fetched and the provider is', () => {
    const revocation = { mode: 'require', crls: [rootCrl, caCrl], staple: leafGood } as const;
    const verdicts = checkRevocation({ provider: nodeProvider, path: pathOf(leaf), time: now, revocation });
    assert.ok(!isThenable(verdicts));
  });
  it('of a leaf that is itself an anchor asks nobody', async () => {
    const path = [leaf.certificate];
    for (const scope of ['leaf', 'chain'] as const) {
      assert.deepEqual(await check({ mode: 'require', scope }, leaf, { path }), []);
    }
  });
  it('at a time that is none is a mistake', () => {
    const check = { provider: nodeProvider, path: pathOf(leaf), time: new Date(Number.NaN) };
    assert.throws(() => checkRevocation({ ...check, revocation: { mode: 'off' } }), RangeError);
  });
});

describe('missing issuers', () => {
  const fetched = async (content: Uint8Array): Promise<readonly Uint8Array[]> => {
    const network = new Network({ [issuerUrl]: content });
    const { certificates, failures } = await fetchIssuers(leaf.certificate, network.fetch);
    assert.deepEqual(failures, []);
    return certificates.map(({ raw }) => raw);
  };
  it('are fetched as DER, PEM or PKCS#7', async () => {
    const { raw } = ca.certificate;
    assert.deepEqual(await fetched(raw), [raw]);
    assert.deepEqual(await fetched(Buffer.from(toPem('CERTIFICATE', raw))), [raw]);
    const bundle = writePkcs7([ca.certificate, root.certificate]);
    assert.deepEqual(await fetched(bundle), [raw, root.certificate.raw]);
    assert.deepEqual(await fetched(Buffer.from(toPem('PKCS7', bundle))), [raw, root.certificate.raw]);
  });
  it('that cannot be had are not fatal, and the reason is told', async () => {
    const { certificates, failures } = await fetchIssuers(leaf.certificate, new Network({}).fetch);
    assert.deepEqual([certificates, failures], [[], [`nothing at ${issuerUrl}`]]);
    const broken = await fetchIssuers(leaf.certificate, new Network({ [issuerUrl]: Uint8Array.of(0x30, 1) }).fetch);
    assert.deepEqual(broken.failures.length, 1);
    assert.match(broken.failures[0] ?? '', /^certificate: a length beyond the end/);
    assert.deepEqual(await fetchIssuers(silent.certificate, new Network({}).fetch), { certificates: [], failures: [] });
  });
});
