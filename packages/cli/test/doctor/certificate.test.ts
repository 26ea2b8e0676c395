import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Credential } from '@handfast/tls';
import { type Certificate, issueCrl, trustStore } from '@handfast/x509';
import type { DoctorOptions } from '../../src/doctor/doctor.ts';
import type { DoctorWorld } from '../../src/doctor/world.ts';
import { tlsServer } from '../support/net.ts';
import { type OldCertificates, oldCertificates, weakCredential } from './old-certificates.ts';
import {
  assertTold,
  authorities,
  type Ca,
  days,
  diagnosisOf,
  type Expected,
  host,
  makeCa,
  makeServer,
  now,
  type Scratch,
  type Told,
} from './support.ts';

let files: Scratch;
let root: Ca;
let issuing: Ca;
let oldRoot: Ca;
let old: OldCertificates;
before(async () => {
  ({ files, root, issuing } = await authorities());
  oldRoot = await makeCa('An old root', undefined, { notBefore: days(-30), notAfter: days(-1) });
  old = await oldCertificates();
});
after(() => files.remove());

interface Row extends Expected {
  readonly credential: () => Promise<Credential>;
  readonly options?: () => Promise<Partial<DoctorOptions>>;
  readonly world?: () => Partial<DoctorWorld>;
  readonly target?: string;
  /** What the server answers, in HTTP. */
  readonly answer?: () => string;
}

/** Answers these URLs, and nothing else. */
function fetching(answers: Readonly<Record<string, () => Uint8Array | Promise<Uint8Array>>>): Partial<DoctorWorld> {
  return {
    fetch: async ({ url }) => {
      const answer = answers[url];
      if (answer === undefined) throw new Error('nothing is there');
      return Uint8Array.from(await answer());
    },
  };
}

const named =
  (...names: readonly string[]) =>
  (): Promise<Credential> =>
    makeServer(root, { names });
const trusting = (...certificates: readonly Certificate[]): Partial<DoctorOptions> => ({
  ca: files.file('trusted.pem', ...certificates),
});

const rows: readonly Row[] = [
  // Time
  {
    is: 'expired',
    cause: 'expired',
    side: 'server',
    certainty: 'certain',
    credential: () => makeServer(root, { notBefore: days(-90), notAfter: days(-3) }),
  },
  {
    is: 'not yet valid',
    cause: 'not_yet_valid',
    side: 'server',
    certainty: 'certain',
    credential: () => makeServer(root, { notBefore: days(2), notAfter: days(90) }),
  },
  {
    is: 'good, and our clock a year ahead, which the server’s shows',
    cause: 'clock_wrong',
    side: 'client',
    certainty: 'likely',
    credential: () => makeServer(root),
    world: () => ({ now: () => days(365) }),
    answer: () => `HTTP/1.1 200 OK\r\nDate: ${new Date(now).toUTCString()}\r\n\r\n`,
  },
  {
    is: 'good, and our clock at 1970',
    cause: 'clock_wrong',
    side: 'client',
    certainty: 'possible',
    credential: () => makeServer(issuing, {}, [issuing.certificate]),
    world: () => ({ now: () => new Date(0) }),
  },
  {
    is: 'under an intermediate that has expired',
    cause: 'issuer_expired',
    side: 'server',
    certainty: 'certain',
    credential: async () => {
      const former = await makeCa('An old issuing CA', root, { notBefore: days(-30), notAfter: days(-1) });
      return makeServer(former, {}, [former.certificate]);
    },
  },
  {
    is: 'under a root of ours that has expired',
    cause: 'issuer_expired',
    side: 'client',
    certainty: 'certain',
    credential: () => makeServer(oldRoot),
    options: async () => trusting(oldRoot.certificate),
  },
  // Form and strength
  {
    is: 'revoked, as its CA’s list says',
    cause: 'revoked',
    side: 'server',
    certainty: 'certain',
    credential: () => makeServer(root, { serialNumber: Uint8Array.of(7), crlUrls: ['http://crl.doctor-test.net/'] }),
    world: () =>
      fetching({
        'http://crl.doctor-test.net/': async () => {
          const revoked = [{ serialNumber: Uint8Array.of(7), revokedAt: days(-1), reason: 'keyCompromise' as const }];
          return (await issueCrl({ issuer: root, number: 1n, thisUpdate: days(-1), nextUpdate: days(6), revoked })).raw;
        },
      }),
  },
  {
    is: 'one that demands a staple, without any',
    cause: 'staple_missing',
    side: 'server',
    certainty: 'certain',
    credential: () => makeServer(root, { mustStaple: true }),
  },
  {
    is: 'good, with a staple that is none',
    cause: 'staple_bad',
    side: 'server',
    certainty: 'certain',
    credential: async () => ({ ...(await makeServer(root)), ocspResponse: () => Uint8Array.of(0x30, 0) }),
  },
  {
    is: 'an RSA key of 1,024 bits',
    cause: 'weak_key',
    side: 'server',
    certainty: 'certain',
    credential: () => weakCredential(root),
  },
  {
    is: 'signed with SHA-1',
    cause: 'weak_signature',
    side: 'ca',
    certainty: 'certain',
    credential: async () => old.sha1,
    options: async () => trusting(old.root.certificate),
  },
  {
    is: 'signed by an algorithm that nobody knows',
    cause: 'unsupported_algorithm',
    side: 'server',
    certainty: 'certain',
    credential: async () => old.unknown,
    options: async () => trusting(old.root.certificate),
  },
  {
    is: 'without the policy that its CA demands',
    cause: 'path_refused',
    side: 'server',
    certainty: 'certain',
    credential: async () => {
      const strict = await makeCa('A strict CA', root, { policyConstraints: { requireExplicitPolicy: 0 } });
      return makeServer(strict, {}, [strict.certificate]);
    },
  },
  {
    is: 'with a signature that was tampered with',
    cause: 'bad_signature',
    side: 'server',
    certainty: 'certain',
    credential: async () => {
      const other = await makeCa('Doctor Test Root');
      // The right key identifier over another key's signature.
      const signer = { ...other.signer, publicKey: root.signer.publicKey };
      return makeServer({
        certificate: root.certificate,
        signer: { ...signer, sign: (...input) => other.signer.sign(...input) },
      });
    },
  },
  {
    is: 'a client’s',
    cause: 'wrong_purpose',
    side: 'server',
    certainty: 'certain',
    credential: () => makeServer(root, { extendedKeyUsage: ['clientAuth'] }),
  },
  {
    is: 'one whose key may not sign handshakes',
    cause: 'key_usage',
    side: 'ca',
    certainty: 'certain',
    credential: () => makeServer(root, { keyUsage: ['keyAgreement'] }),
  },
  {
    is: 'under a CA with other name constraints',
    cause: 'name_constraints',
    side: 'ca',
    certainty: 'certain',
    credential: async () => {
      const bound = await makeCa('A bound CA', root, {
        nameConstraints: { permitted: { dns: ['corp.doctor-test.net'] } },
      });
      return makeServer(bound, {}, [bound.certificate]);
    },
  },
  {
    is: 'under one CA too many',
    cause: 'path_length',
    side: 'ca',
    certainty: 'certain',
    credential: async () => {
      const upper = await makeCa('A CA without room', root, { ca: { pathLength: 0 } });
      const lower = await makeCa('A CA too many', upper);
      return makeServer(lower, {}, [lower.certificate, upper.certificate]);
    },
  },
  {
    is: 'issued by a server',
    cause: 'issuer_no_ca',
    side: 'ca',
    certainty: 'certain',
    credential: async () => {
      const { chain, signer } = await makeServer(root);
      const [certificate] = chain;
      assert.ok(certificate);
      return makeServer({ certificate, signer }, {}, chain);
    },
  },
  {
    is: 'one with a critical extension that nobody knows',
    cause: 'critical_extension',
    side: 'ca',
    certainty: 'certain',
    credential: () =>
      makeServer(root, { extensions: [{ oid: '1.2.3.4', critical: true, value: Uint8Array.of(5, 0) }] }),
  },
  {
    is: 'the CA’s own',
    cause: 'ca_as_server',
    side: 'server',
    certainty: 'certain',
    credential: async () => {
      const { certificate, signer } = await makeCa('A CA', root, {
        names: [host],
        keyUsage: ['keyCertSign', 'digitalSignature'],
      });
      return { chain: [certificate], signer };
    },
  },
  {
    is: 'no certificate at all, in its second place',
    cause: 'malformed_certificate',
    side: 'server',
    certainty: 'certain',
    credential: async () => {
      const { chain, signer } = await makeServer(root);
      const garbage: Certificate = Object.create(root.certificate, { raw: { value: Uint8Array.of(0x30, 3, 2, 1, 1) } });
      return { chain: [...chain, garbage], signer };
    },
  },
  // The issuer
  {
    is: 'self-signed',
    cause: 'self_signed',
    side: 'server',
    certainty: 'certain',
    credential: () => makeServer(undefined),
  },
  {
    is: 'sent without its intermediate, which can be fetched',
    cause: 'incomplete_chain',
    side: 'server',
    certainty: 'certain',
    credential: () => makeServer(issuing, { issuerUrls: ['http://ca.doctor-test.net/issuing.cer'] }),
    world: () => fetching({ 'http://ca.doctor-test.net/issuing.cer': () => issuing.certificate.raw }),
  },
  {
    is: 'sent without its intermediate, which cannot be fetched',
    cause: 'unknown_issuer',
    side: 'server',
    certainty: 'likely',
    credential: () => makeServer(issuing, { issuerUrls: ['http://ca.doctor-test.net/gone.cer'] }),
    world: () => fetching({}),
  },
  {
    is: 'by a public root that we lack',
    cause: 'public_root_missing',
    side: 'client',
    certainty: 'certain',
    credential: () => makeServer(issuing, {}, [issuing.certificate]),
    options: async () => trusting((await makeCa('Somebody else')).certificate),
    world: () => ({ publicRoots: () => trustStore([root.certificate]) }),
  },
  {
    is: 'by a device that inspects TLS',
    cause: 'inspected',
    side: 'network',
    certainty: 'likely',
    credential: async () => makeServer(await makeCa('Zscaler Intermediate Root CA (zscalertwo.net)')),
  },
  {
    is: 'by a CA of ours, made anew',
    cause: 'ca_made_anew',
    side: 'client',
    certainty: 'certain',
    credential: async () => makeServer(await makeCa('Doctor Test Root')),
  },
  {
    is: 'by a private CA, which is sent along',
    cause: 'private_ca',
    side: 'client',
    certainty: 'certain',
    credential: async () => {
      const own = await makeCa('Private CA');
      return makeServer(own, {}, [own.certificate]);
    },
  },
  // The name
  {
    is: 'for another name',
    cause: 'wrong_name',
    side: 'server',
    certainty: 'certain',
    credential: named('other.doctor-test.net'),
  },
  {
    is: 'for a name, where we go to an address',
    cause: 'address_not_named',
    side: 'client',
    certainty: 'certain',
    credential: named(host),
    target: '127.0.0.1',
  },
  {
    is: 'without alternative names',
    cause: 'no_alternative_names',
    side: 'server',
    certainty: 'certain',
    credential: () => makeServer(root, { names: [], subject: { commonName: host } }),
  },
  {
    is: 'a wildcard one label too high',
    cause: 'wildcard_depth',
    side: 'server',
    certainty: 'certain',
    credential: named('*.doctor-test.net'),
    target: `a.${host}`,
  },
  {
    is: 'a wildcard for the name itself',
    cause: 'wildcard_depth',
    side: 'server',
    certainty: 'certain',
    credential: named(`*.${host}`),
  },
  {
    is: 'a default one, for localhost',
    cause: 'default_certificate',
    side: 'server',
    certainty: 'likely',
    credential: named('localhost', 'nas.local'),
  },
  {
    is: 'for the name with a dot at its end',
    cause: 'dot_in_certificate',
    side: 'ca',
    certainty: 'certain',
    credential: () => {
      const name = Buffer.from(`${host}.`);
      const value = Buffer.concat([Buffer.from([0x30, name.length + 2, 0x82, name.length]), name]);
      return makeServer(root, {
        names: [],
        extensions: [{ oid: '2.5.29.17', critical: false, value: Uint8Array.from(value) }],
      });
    },
  },
];

async function toldOf({
  credential,
  options,
  world,
  target,
  answer,
}: Omit<Row, 'is' | 'cause' | 'side' | 'certainty'>): Promise<Told> {
  const made = await credential();
  const server = await tlsServer({ credentials: [made] }, (socket) => {
    socket.once('data', () => socket.end(answer?.() ?? 'hello'));
  });
  try {
    const { ca } = trusting(root.certificate);
    return await diagnosisOf(server.port, { ...(ca && { ca }), ...(await options?.()) }, world?.(), target);
  } finally {
    server.close();
  }
}

describe('the doctor tells of a certificate that is', () => {
  for (const row of rows) {
    test(`${row.is}: ${row.cause}`, async () => {
      assertTold(await toldOf(row), row.cause, row.side, row.certainty);
    });
  }
});
