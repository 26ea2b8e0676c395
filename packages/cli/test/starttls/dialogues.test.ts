import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { nodeProvider } from '@handfast/crypto/node';
import { serverConfig, tls13, tlsServer } from '@handfast/tls';
import { TLSSocket } from '@handfast/tls/node';
import { finish } from '../support/io.ts';
import { tcpServer } from '../support/net.ts';
import { makePki, type Pki } from '../support/pki.ts';

let pki: Pki;
before(async () => {
  pki = await makePki();
});
after(() => pki.remove());

/** A server's part: what it says, and what it must hear before it goes on. `TLS` is where TLS begins. */
type Script = readonly ({ readonly say: string | Uint8Array } | { readonly hear: string | Uint8Array })[];

const say = (text: string | Uint8Array): { readonly say: string | Uint8Array } => ({ say: text });
const hear = (text: string | Uint8Array): { readonly hear: string | Uint8Array } => ({ hear: text });

/** Plays the script, then TLS with an echo. `rest` is sent together with the script's last words. */
async function play(
  protocol: string,
  script: Script,
  rest?: string,
): Promise<{ exitCode: number; stdout: string; stderr: string; heard: string }> {
  let heard = '';
  const server = await tcpServer((socket) => {
    void act(socket).catch(() => socket.destroy());
  });
  async function act(socket: Socket): Promise<void> {
    for (const [index, step] of script.entries()) {
      if ('say' in step) {
        const words = Buffer.from(step.say);
        const isLast = index === script.length - 1;
        // In pieces: a dialogue must not hang on how TCP cuts.
        if (isLast && rest !== undefined) socket.write(Buffer.concat([words, Buffer.from(rest)]));
        else for (let at = 0; at < words.length; at += 7) socket.write(words.subarray(at, at + 7));
        continue;
      }
      const wanted = Buffer.from(step.hear);
      let got = Buffer.alloc(0);
      while (got.length < wanted.length) {
        await new Promise((resolve) => socket.once('readable', resolve));
        const chunk: Buffer | null = socket.read(Math.min(socket.readableLength, wanted.length - got.length));
        if (chunk !== null) got = Buffer.concat([got, chunk]);
      }
      heard += got.toString('latin1');
      assert.deepEqual(got, wanted);
    }
    const config = serverConfig({ provider: nodeProvider, versions: [tls13], credentials: [pki.server] });
    const secure = new TLSSocket(
      socket,
      { isServer: true, make: (handlers) => tlsServer(config, handlers) },
      { allowHalfOpen: true },
    );
    secure.on('error', () => socket.destroy());
    secure.pipe(secure);
    secure.begin();
  }
  try {
    const argv = ['connect', server.at, '--starttls', protocol, '--ca', pki.path('ca.pem')];
    const { exitCode, stdout, stderr } = await finish(argv, 'through TLS');
    return { exitCode, stdout: stdout.text, stderr: stderr.text, heard };
  } finally {
    server.close();
  }
}

const oid = Buffer.from('1.3.6.1.4.1.1466.20037');
const ldapRequest = Buffer.concat([Buffer.from([0x30, 0x1d, 2, 1, 1, 0x77, 0x18, 0x80, 0x16]), oid]);
const ldapAnswer = (code: number): Buffer => Buffer.from([0x30, 0x0c, 2, 1, 1, 0x78, 7, 0x0a, 1, code, 4, 0, 4, 0]);
const sslRequest = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]);

function mysqlGreeting(capabilities: number): Buffer {
  const payload = Buffer.concat([
    Buffer.from([10]),
    Buffer.from('11.4.2-MariaDB\0'),
    Buffer.alloc(4 + 8 + 1, 1),
    Buffer.from([capabilities & 0xff, capabilities >> 8, 45, 2, 0]),
    Buffer.alloc(29),
  ]);
  return Buffer.concat([Buffer.from([payload.length, 0, 0, 0]), payload]);
}
const mysqlRequest = Buffer.concat([Buffer.from([32, 0, 0, 1, 0, 0x8a, 0, 0, 0, 0, 0, 1, 45]), Buffer.alloc(23)]);

const xmppOpen =
  "<?xml version='1.0'?><stream:stream to='127.0.0.1' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>";
const xmppFeatures =
  "<?xml version='1.0'?><stream:stream from='x' id='1' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'><stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls></stream:features>";
const xmppAsk = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>";

const good: Readonly<Record<string, Script>> = {
  smtp: [
    say('220-mail.example\r\n220 ESMTP\r\n'),
    hear('EHLO [127.0.0.1]\r\n'),
    say('250-mail.example\r\n250-SIZE 1000\r\n250-STARTTLS\r\n250 HELP\r\n'),
    hear('STARTTLS\r\n'),
    say('220 2.0.0 ready\r\n'),
  ],
  imap: [
    say('* OK IMAP4rev2 ready\r\n'),
    hear('a1 CAPABILITY\r\n'),
    say('* CAPABILITY IMAP4rev2 STARTTLS LOGINDISABLED\r\na1 OK done\r\n'),
    hear('a2 STARTTLS\r\n'),
    say('a2 OK go on\r\n'),
  ],
  pop3: [say('+OK ready\r\n'), hear('STLS\r\n'), say('+OK begin\r\n')],
  ftp: [say('220-Welcome\r\n  to 220 files\r\n220 ready\r\n'), hear('AUTH TLS\r\n'), say('234 go on\r\n')],
  xmpp: [hear(xmppOpen), say(xmppFeatures), hear(xmppAsk), say("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")],
  ldap: [hear(ldapRequest), say(ldapAnswer(0))],
  postgres: [hear(sslRequest), say('S')],
  mysql: [say(mysqlGreeting(0xffff)), hear(mysqlRequest)],
};

describe('STARTTLS comes to TLS', () => {
  for (const [protocol, script] of Object.entries(good)) {
    test(`in ${protocol}`, async () => {
      const { exitCode, stdout, stderr } = await play(protocol, script);
      assert.equal(stdout, 'through TLS', stderr);
      assert.equal(exitCode, 0);
    });
  }

  test('in XMPP with <proceed></proceed>', async () => {
    const script = [
      ...(good.xmpp ?? []).slice(0, -1),
      say("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'></proceed>"),
    ];
    assert.equal((await play('xmpp', script)).exitCode, 0);
  });
});

describe('STARTTLS refuses plaintext behind the go-ahead', () => {
  for (const [protocol, script] of Object.entries(good)) {
    test(`in ${protocol}`, async () => {
      // MySQL's go-ahead is its greeting.
      const { exitCode, stderr, stdout } = await play(
        protocol,
        protocol === 'mysql' ? script.slice(0, 1) : script,
        '220 injected\r\n',
      );
      assert.match(stderr, /plaintext/);
      assert.equal(stdout, '');
      assert.equal(exitCode, 3);
    });
  }
});

describe('STARTTLS ends with 3', () => {
  const bad: readonly (readonly [what: string, protocol: string, script: Script, message: RegExp])[] = [
    [
      'SMTP without the extension',
      'smtp',
      [say('220 x\r\n'), hear('EHLO [127.0.0.1]\r\n'), say('250 x\r\n')],
      /offers no STARTTLS/,
    ],
    [
      'SMTP that refuses',
      'smtp',
      [...(good.smtp ?? []).slice(0, -1), say('454 4.7.0 not now\r\n')],
      /refused to STARTTLS: "454 4\.7\.0 not now"/,
    ],
    ['another protocol', 'smtp', [say('SSH-2.0-OpenSSH\r\n')], /is it that protocol/],
    ['an endless answer', 'smtp', [say('220-x\r\n'.repeat(101))], /more than 100 lines/],
    ['an endless line', 'pop3', [say(`+OK ${'x'.repeat(9000)}`)], /more than 8192 bytes/],
    ['IMAP that is authenticated already', 'imap', [say('* PREAUTH hello\r\n')], /PREAUTH/],
    [
      'IMAP without the capability',
      'imap',
      [say('* OK x\r\n'), hear('a1 CAPABILITY\r\n'), say('* CAPABILITY IMAP4rev1\r\na1 OK\r\n')],
      /offers no STARTTLS/,
    ],
    [
      'POP3 that refuses',
      'pop3',
      [say('+OK x\r\n'), hear('STLS\r\n'), say('-ERR no\r\n')],
      /refused to STLS: "-ERR no"/,
    ],
    ['FTP that refuses', 'ftp', [say('220 x\r\n'), hear('AUTH TLS\r\n'), say('502 no\r\n')], /refused to AUTH TLS/],
    [
      'XMPP without the feature',
      'xmpp',
      [hear(xmppOpen), say('<stream:stream><stream:features></stream:features>')],
      /offers no starttls/,
    ],
    [
      'XMPP that fails',
      'xmpp',
      [hear(xmppOpen), say(xmppFeatures), hear(xmppAsk), say("<failure xmlns='x'/>")],
      /refused to starttls/,
    ],
    ['LDAP that refuses', 'ldap', [hear(ldapRequest), say(ldapAnswer(2))], /result 2/],
    ['LDAP that is none', 'ldap', [hear(ldapRequest), say('HTTP/1.1 400 \r\n')], /is it LDAP/],
    [
      'LDAP that announces too much',
      'ldap',
      [hear(ldapRequest), say(Buffer.from([0x30, 0x84, 0x7f, 0xff, 0xff, 0xff]))],
      /2147483647 bytes/,
    ],
    [
      'LDAP whose lengths do not fit',
      'ldap',
      [hear(ldapRequest), say(Buffer.from([0x30, 4, 2, 9, 1, 1]))],
      /is it LDAP/,
    ],
    ['PostgreSQL without TLS', 'postgres', [hear(sslRequest), say('N')], /answered N/],
    ['PostgreSQL that is none', 'postgres', [hear(sslRequest), say('E')], /is it PostgreSQL/],
    ['MySQL without TLS', 'mysql', [say(mysqlGreeting(0xf7ff))], /offers no TLS/],
    [
      'MySQL that refuses',
      'mysql',
      [say(Buffer.from('\x09\0\0\0\xff\x10\x04Too many', 'latin1').subarray(0, 13))],
      /refused: /,
    ],
  ];
  for (const [what, protocol, script, message] of bad) {
    test(`for ${what}`, async () => {
      const { exitCode, stderr, stdout } = await play(protocol, script);
      assert.match(stderr, message);
      assert.equal(stdout, '');
      assert.equal(exitCode, 3);
    });
  }

  test('for a server that hangs up in the middle', async () => {
    const server = await tcpServer((socket) => socket.end('220 x\r\n'));
    try {
      const { exitCode, stderr } = await finish(['connect', server.at, '--starttls', 'smtp']);
      assert.match(stderr.text, /closed the connection in the middle of the dialogue/);
      assert.equal(exitCode, 3);
    } finally {
      server.close();
    }
  });
});
