import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Bytes } from '@handfast/crypto';
import {
  type FetchRequest,
  issueCertificate,
  issueOcspResponse,
  issueRoot,
  ocspStapler,
  parseOcspRequest,
} from '../../src/index.ts';
import { newSigner, nodeProvider, notAfter, notBefore, now } from '../support/pki.ts';

const minute = 60_000;
const hour = 60 * minute;
const signer = await newSigner();
const dates = { provider: nodeProvider, notBefore, notAfter } as const;
const issuer = await issueRoot({ ...dates, subject: { commonName: 'Root' }, signer });
const certificate = await issueCertificate({
  ...dates,
  subject: { commonName: 'db.internal' },
  publicKey: (await newSigner()).publicKey,
  issuer: { certificate: issuer, signer },
  names: ['db.internal'],
  ocspUrls: ['http://ocsp.example/'],
});

/** A responder, a clock, and a stapler between them. */
function scene(lifeMs: number | null = 2 * hour) {
  let clock = now.getTime();
  let broken: Error | undefined;
  const asked: FetchRequest[] = [];
  const errors: string[] = [];
  const fetch = async (request: FetchRequest): Promise<Bytes> => {
    asked.push(request);
    if (broken !== undefined) throw broken;
    const [first] = parseOcspRequest(request.body ?? new Uint8Array(0)).requests;
    assert.ok(first);
    const thisUpdate = new Date(clock);
    return issueOcspResponse({
      provider: nodeProvider,
      responder: { signer },
      issuer,
      producedAt: thisUpdate,
      answers: [
        {
          subject: first.certId,
          status: 'good',
          thisUpdate,
          nextUpdate: lifeMs === null ? undefined : new Date(clock + lifeMs),
        },
      ],
    });
  };
  const staple = ocspStapler({
    provider: nodeProvider,
    certificate,
    issuer,
    fetch,
    time: () => new Date(clock),
    onError: (why) => errors.push(why),
  });
  return {
    staple,
    asked,
    errors,
    later: (ms: number) => {
      clock += ms;
    },
    breaks: (error: Error | undefined) => {
      broken = error;
    },
    turn: () => new Promise((resolve) => setImmediate(resolve)),
  };
}

describe('a stapler', () => {
  it('waits for the first response, asked for once, and answers at once from then on', async () => {
    const { staple, asked } = scene();
    const [one, two] = await Promise.all([staple(), staple()]);
    assert.ok(one instanceof Uint8Array);
    assert.equal(one, two);
    assert.equal(staple(), one);
    assert.equal(asked.length, 1);
    assert.deepEqual(
      [asked[0]?.url, asked[0]?.method, asked[0]?.contentType],
      ['http://ocsp.example/', 'POST', 'application/ocsp-request'],
    );
  });
  it('gets the next response in the middle of the last one’s life, and sends the last one meanwhile', async () => {
    const { staple, asked, later, turn } = scene();
    const first = await staple();
    later(59 * minute);
    assert.equal(staple(), first);
    assert.equal(asked.length, 1);
    later(2 * minute);
    assert.equal(staple(), first);
    await turn();
    assert.equal(asked.length, 2);
    const second = staple();
    assert.notEqual(second, first);
    assert.ok(second instanceof Uint8Array);
  });
  it('sends nothing rather than what is out of date, and asks again', async () => {
    const { staple, later, turn } = scene();
    await staple();
    later(2 * hour);
    assert.equal(staple(), undefined);
    await turn();
    assert.ok(staple() instanceof Uint8Array);
  });
  it('has none while its responder is down, says why, and asks again after a minute', async () => {
    const { staple, asked, errors, later, breaks } = scene();
    breaks(new Error('connection refused'));
    assert.equal(await staple(), undefined);
    assert.deepEqual(errors, ['connection refused']);
    assert.equal(await staple(), undefined);
    assert.equal(asked.length, 1);
    later(minute);
    breaks(undefined);
    assert.ok((await staple()) instanceof Uint8Array);
    assert.equal(asked.length, 2);
  });
  it('keeps a good response though the next one fails', async () => {
    const { staple, errors, later, breaks, turn } = scene();
    const first = await staple();
    later(90 * minute);
    breaks(new Error('gone'));
    assert.equal(staple(), first);
    await turn();
    assert.deepEqual(errors, ['gone']);
    assert.equal(staple(), first);
  });
  it('takes a response without nextUpdate for an hour', async () => {
    const { staple, asked, later, turn } = scene(null);
    await staple();
    later(31 * minute);
    staple();
    await turn();
    assert.equal(asked.length, 2);
  });
  it('never sends what does not verify', async () => {
    const errors: string[] = [];
    const stranger = await newSigner();
    const other = await issueRoot({ ...dates, subject: { commonName: 'Root' }, signer: stranger });
    const staple = ocspStapler({
      provider: nodeProvider,
      certificate,
      issuer,
      time: () => now,
      onError: (why) => errors.push(why),
      fetch: async () =>
        issueOcspResponse({
          provider: nodeProvider,
          responder: { signer: stranger },
          issuer: other,
          producedAt: now,
          answers: [
            { subject: certificate, status: 'good', thisUpdate: now, nextUpdate: new Date(now.getTime() + hour) },
          ],
        }),
    });
    assert.equal(await staple(), undefined);
    assert.match(errors[0] ?? '', /OCSP response for "db\.internal"/);
  });
  it('needs to know a responder', async () => {
    const silent = await issueCertificate({
      ...dates,
      subject: { commonName: 'x' },
      publicKey: signer.publicKey,
      issuer: { certificate: issuer, signer },
    });
    const fetch = async (): Promise<Bytes> => new Uint8Array(0);
    assert.throws(
      () => ocspStapler({ provider: nodeProvider, certificate: silent, issuer, fetch }),
      /certificate for "x" names no OCSP responder/,
    );
  });
});
