import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { type Credential, tls12 } from '@handfast/tls';
import type { TlsServerOptions } from '@handfast/tls/node';
import { trustStore } from '@handfast/x509';
import type { DoctorOptions } from '../../src/doctor/doctor.ts';
import type { DoctorWorld } from '../../src/doctor/world.ts';
import { finish, start } from '../support/io.ts';
import { tcpServer, tlsServer } from '../support/net.ts';
import {
  authorities,
  type Ca,
  days,
  diagnosisOf,
  host,
  makeCa,
  makeServer,
  output,
  relay,
  type Scratch,
  type Told,
} from './support.ts';

let files: Scratch;
let root: Ca;
let issuing: Ca;
let good: Credential;
let ca: string;
before(async () => {
  ({ files, root, issuing, good, ca } = await authorities());
});
after(() => files.remove());

async function toldOf(
  server: TlsServerOptions,
  options: Partial<DoctorOptions> = {},
  world: Partial<DoctorWorld> = {},
  target?: string,
): Promise<Told> {
  const listening = await tlsServer(server, (socket) => {
    socket.once('data', () => socket.end('HTTP/1.1 204 No Content\r\n\r\n'));
  });
  try {
    return await diagnosisOf(listening.port, { ca, ...options }, world, target);
  } finally {
    listening.close();
  }
}

const idsOf = ({ notes }: Told): readonly string[] => notes.map(({ id }) => id);

describe('where nothing is wrong', () => {
  test('the doctor says so, exits with 0 and notes nothing', async () => {
    const told = await toldOf({ credentials: [good] });
    assert.deepEqual(told.problems, [], told.text);
    assert.deepEqual(idsOf(told), []);
    assert.equal(told.healthy, true);
    assert.equal(told.exitCode, 0);
    assert.deepEqual(
      told.attempts.map(({ probe, connected }) => ({ probe, connected })),
      [
        { probe: 'main', connected: true },
        { probe: 'noSni', connected: true },
        { probe: 'resume', connected: true },
      ],
    );
  });

  const notes: readonly (readonly [
    id: string,
    server: () => Promise<TlsServerOptions>,
    options?: Partial<DoctorOptions>,
    target?: string,
  ])[] = [
    ['no_tls13', async () => ({ credentials: [good], versions: [tls12] })],
    ['no_post_quantum', async () => ({ credentials: [good], groups: ['x25519'] })],
    ['alpn_none', async () => ({ credentials: [good] }), { alpn: 'http/1.1' }],
    [
      'client_certificate_optional',
      async () => ({
        credentials: [good],
        trust: trustStore([root.certificate]),
        requestCert: true,
        rejectUnauthorized: false,
      }),
    ],
    ['sni_dependent', async () => ({ credentials: [await makeServer(root, { names: ['other.net'] }), good] })],
    ['trailing_dot', async () => ({ credentials: [good] }), {}, `${host}.`],
    [
      'expires_soon',
      async () => ({ credentials: [await makeServer(root, { notBefore: days(-80), notAfter: days(5) })] }),
    ],
    ['root_sent', async () => ({ credentials: [{ ...good, chain: [...good.chain, root.certificate] }] })],
    [
      'duplicates',
      async () => ({ credentials: [await makeServer(issuing, {}, [issuing.certificate, issuing.certificate])] }),
    ],
    [
      'unrelated_certificates',
      async () => ({ credentials: [await makeServer(root, {}, [(await makeCa('Somebody else')).certificate])] }),
    ],
    [
      'wrong_order',
      async () => {
        const lower = await makeCa('A lower CA', issuing);
        return { credentials: [await makeServer(lower, {}, [issuing.certificate, lower.certificate])] };
      },
    ],
    ['revocation_unknown', async () => ({ credentials: [await makeServer(root, { crlUrls: ['http://crl.test/'] })] })],
  ];
  for (const [id, server, options, target] of notes) {
    test(`it is still noted: ${id}`, async () => {
      const told = await toldOf(await server(), options, { fetch: () => Promise.reject(new Error('no')) }, target);
      assert.deepEqual(told.problems, [], told.text);
      assert.deepEqual(idsOf(told), [id]);
      assert.equal(told.exitCode, 0);
    });
  }

  test('it is still noted: not_resumed, of a session that its own server does not take back', async () => {
    const other = await tlsServer({ credentials: [good] });
    const first = await tlsServer({ credentials: [good] }, (socket) => {
      socket.once('data', () => socket.end('HTTP/1.1 204 No Content\r\n\r\n'));
    });
    // The first connection goes to one, all others to the other.
    let count = 0;
    const fronts = await Promise.all([relay(first, {}), relay(other, {})]);
    const front = await tcpServer((socket) => {
      count++;
      const port = fronts[count === 1 ? 0 : 1]?.port ?? 0;
      const onward = connect({ host: '127.0.0.1', port });
      onward.on('error', () => socket.destroy());
      socket.pipe(onward).pipe(socket);
    });
    try {
      const told = await diagnosisOf(front.port, { ca });
      assert.deepEqual(told.problems, [], told.text);
      assert.deepEqual(idsOf(told), ['not_resumed']);
    } finally {
      for (const one of [front, ...fronts]) one.close();
    }
  });
});

describe('what the doctor prints', () => {
  test('is the verdict first, then the paragraph, what was tried, and what else was noticed', async () => {
    const expired = await makeServer(root, { notBefore: days(-90), notAfter: days(-3), names: ['other.net'] });
    const server = await tlsServer({ credentials: [expired] }, (socket) => {
      socket.once('data', () => socket.end('HTTP/1.1 204 No Content\r\n\r\n'));
    });
    try {
      const { text, exitCode } = await output(server.port, { ca });
      const steady = text
        .replace(/\d+(\.\d+)? m?s\b/g, 'N ms')
        .replace(/\n {4}\(N ms\)/g, ' (N ms)')
        .replace(/20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, 'TIME');
      assert.equal(exitCode, 1);
      assert.deepEqual(steady.split('\n'), [
        '✗ shop.doctor-test.net:443: The certificate has expired',
        '',
        '  The server’s certificate for "other.net" expired 3 days ago (notAfter TIME); our',
        '  clock says TIME. The fault is the server’s; that is certain. What to do: renew the',
        '  certificate, load it, and have a program do both from now on (ACME); nobody should look away',
        '  instead.',
        '',
        '  and The certificate is for another name. The certificate is for "other.net", not for',
        '      "shop.doctor-test.net". The fault is the server’s; that is certain. What to do: connect by a',
        '      name that it is for (or say it with --servername), have the name put into the certificate, or',
        '      look whether the DNS leads to the right server.',
        '',
        '  Tried',
        '  ✓ TLS as your options have it: TLS 1.3, TLS_AES_128_GCM_SHA256, X25519MLKEM768 (N ms)',
        '  ✓ without naming the server (no SNI): TLS 1.3, TLS_AES_128_GCM_SHA256, X25519MLKEM768 (N ms)',
        '  ✗ certificates sent: "a server"; a path of 2 to our trust store',
        '',
      ]);
    } finally {
      server.close();
    }
  });

  test('shows what the server says as text: no escape reaches the terminal', async () => {
    const server = await tcpServer((socket) =>
      socket.end(Buffer.from('\u001b]0;owned\u0007\u009b31m<script>', 'latin1')),
    );
    try {
      for (const options of [{}, { json: true }]) {
        const { text } = await output(server.port, options);
        assert.match(text, /owned/);
        // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for
        assert.doesNotMatch(text, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
      }
    } finally {
      server.close();
    }
  });
});

describe('the command', () => {
  test('refuses options that cannot be used, with exit code 2', async () => {
    for (const argv of [
      ['https://a.net'],
      ['a.net', '--groups', 'nonsense'],
      ['a.net', '--ca', '/nowhere'],
      ['a.net', '--timeout', '0'],
    ]) {
      assert.equal((await finish(['doctor', ...argv])).exitCode, 2, argv.join(' '));
    }
  });

  test('ends with 130 at Ctrl-C', async () => {
    const server = await tcpServer((socket) => {
      socket.once('data', () => session.interrupt.abort());
    });
    const session = start(['doctor', server.at, '--ca', ca]);
    assert.equal(await session.exitCode, 130);
    server.close();
  });
});
