import { describe, test } from 'node:test';
import type { DoctorOptions } from '../../src/doctor/doctor.ts';
import type { DoctorWorld } from '../../src/doctor/world.ts';
import { CliError, exitCodes } from '../../src/exit.ts';
import { deadPort, tcpServer } from '../support/net.ts';
import { answering, assertTold, diagnosisOf, type Expected, impatient, type Listener } from './support.ts';

interface Row extends Expected {
  readonly server: () => Promise<Listener>;
  readonly options?: Partial<DoctorOptions>;
  readonly world?: Partial<DoctorWorld>;
}

/** A dial that fails as the system does. */
function failing(code: string): Partial<DoctorWorld> {
  const cause = Object.assign(new Error(code), { code });
  return { dial: () => Promise.reject(new CliError(exitCodes.cannotConnect, `cannot connect: ${code}`, { cause })) };
}

const nobody = async (): Promise<Listener> => ({ port: await deadPort(), close: () => undefined });

/** Greets, then answers each line by the first pattern that fits. */
function lines(greeting: string, ...answers: readonly (readonly [RegExp, string])[]): () => Promise<Listener> {
  return () =>
    tcpServer((socket) => {
      socket.write(greeting, 'latin1');
      socket.on('data', (chunk: Buffer) => {
        const text = chunk.toString('latin1');
        const found = answers.find(([pattern]) => pattern.test(text));
        if (found === undefined) socket.end();
        else socket.write(found[1], 'latin1');
      });
    });
}

/** Answers one question, and hangs up on all others. */
function knowing(pattern: RegExp, answer: string): () => Promise<Listener> {
  return () =>
    tcpServer((socket) => {
      socket.once('data', (chunk: Buffer) => {
        if (pattern.test(chunk.toString('latin1'))) socket.write(answer, 'latin1');
        else socket.end();
      });
    });
}

const mysqlHello = Buffer.concat([
  Buffer.from([10]),
  Buffer.from('11.4.2-MariaDB\0'),
  Buffer.alloc(13, 1),
  Buffer.from([0, 0x8a, 45, 2, 0]),
  Buffer.alloc(29),
]);
const mysqlGreeting = Buffer.concat([Buffer.from([mysqlHello.length, 0, 0, 0]), mysqlHello]).toString('latin1');

const ldapGo = Buffer.from([0x30, 0x0c, 2, 1, 1, 0x78, 7, 0x0a, 1, 0, 4, 0, 4, 0]).toString('latin1');
const xmppHead = "<?xml version='1.0'?><stream:stream xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>";

const rows: readonly Row[] = [
  {
    is: 'a name that does not exist',
    cause: 'dns_not_found',
    side: 'client',
    certainty: 'certain',
    server: nobody,
    world: failing('ENOTFOUND'),
  },
  {
    is: 'a resolver that is dead',
    cause: 'dns_no_answer',
    side: 'network',
    certainty: 'certain',
    server: nobody,
    world: failing('EAI_AGAIN'),
  },
  {
    is: 'a network without a route',
    cause: 'unreachable',
    side: 'network',
    certainty: 'certain',
    server: nobody,
    world: failing('EHOSTUNREACH'),
  },
  { is: 'a port where nobody listens', cause: 'refused', side: 'server', certainty: 'certain', server: nobody },
  {
    is: 'a firewall that drops packets',
    cause: 'tcp_timeout',
    side: 'network',
    certainty: 'likely',
    server: nobody,
    world: {
      ...impatient,
      dial: ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    },
  },
  {
    is: 'a proxy that refuses',
    cause: 'proxy_failed',
    side: 'network',
    certainty: 'certain',
    server: () => answering('HTTP/1.1 403 Forbidden\r\n\r\n'),
    options: { proxy: 'http://127.0.0.1:PORT' },
  },
  {
    is: 'a connection that breaks before TLS',
    cause: 'tcp_failed',
    side: 'network',
    certainty: 'possible',
    server: nobody,
    world: failing('ECONNABORTED'),
  },
  {
    is: 'an HTTP server without TLS',
    cause: 'plain_http',
    side: 'client',
    certainty: 'certain',
    server: () => answering('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n'),
  },
  {
    is: 'an SSH server',
    cause: 'plain_ssh',
    side: 'client',
    certainty: 'certain',
    server: lines('SSH-2.0-OpenSSH_10.0\r\n'),
  },
  {
    is: 'an SMTP server with STARTTLS',
    cause: 'plain_smtp',
    side: 'client',
    certainty: 'certain',
    server: lines(
      '220 mail.example.net ESMTP\r\n',
      [/EHLO/, '250-mail\r\n250 STARTTLS\r\n'],
      [/STARTTLS/, '220 go\r\n'],
    ),
  },
  {
    is: 'an SMTP server without STARTTLS',
    cause: 'plain_smtp',
    side: 'server',
    certainty: 'likely',
    server: lines('220 mail.example.net ESMTP\r\n', [/EHLO/, '250 mail\r\n']),
  },
  {
    is: 'an IMAP server with STARTTLS',
    cause: 'plain_imap',
    side: 'client',
    certainty: 'certain',
    server: lines(
      '* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n',
      [/CAPABILITY/, '* CAPABILITY IMAP4rev1 STARTTLS\r\na1 OK\r\n'],
      [/STARTTLS/, 'a2 OK go\r\n'],
    ),
  },
  {
    is: 'a POP3 server with STLS',
    cause: 'plain_pop3',
    side: 'client',
    certainty: 'certain',
    server: lines('+OK ready\r\n', [/CAPA/, '+OK\r\nSTLS\r\n.\r\n'], [/STLS/, '+OK go\r\n']),
  },
  {
    is: 'an FTP server with AUTH TLS',
    cause: 'plain_ftp',
    side: 'client',
    certainty: 'certain',
    server: lines('220 (vsFTPd 3.0.5)\r\n', [/AUTH TLS/, '234 go\r\n']),
  },
  {
    is: 'a MySQL server',
    cause: 'plain_mysql',
    side: 'client',
    certainty: 'certain',
    server: lines(mysqlGreeting, [/^ \0\0/, '']),
  },
  {
    is: 'a PostgreSQL server, silent until it is asked its way',
    cause: 'plain_postgres',
    side: 'client',
    certainty: 'certain',
    server: knowing(/^\0\0\0[^\0]{4}\/$/, 'S'),
  },
  {
    is: 'an LDAP server',
    cause: 'plain_ldap',
    side: 'client',
    certainty: 'certain',
    server: knowing(/1466\.20037/, ldapGo),
  },
  {
    is: 'an XMPP server',
    cause: 'plain_xmpp',
    side: 'client',
    certainty: 'certain',
    server: () =>
      tcpServer((socket) => {
        socket.on('data', (chunk: Buffer) => {
          const text = chunk.toString('latin1');
          if (text.includes('<starttls')) socket.write("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
          else if (text.includes('stream:stream'))
            socket.write(
              `${xmppHead}<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>`,
            );
          else socket.end();
        });
      }),
  },
  {
    is: 'a port that speaks nothing we know',
    cause: 'plain_other',
    side: 'client',
    certainty: 'certain',
    server: () => tcpServer((socket) => socket.end('RFB 003.008\n\u001b[31m')),
  },
  {
    is: 'a STARTTLS dialogue that is refused',
    cause: 'starttls_refused',
    side: 'server',
    certainty: 'certain',
    server: lines('220 mail ESMTP\r\n', [/EHLO/, '250 mail\r\n']),
    options: { starttls: 'smtp' },
  },
  {
    is: 'a STARTTLS of another protocol',
    cause: 'starttls_wrong_protocol',
    side: 'client',
    certainty: 'certain',
    server: lines('* OK IMAP4rev1 ready\r\n', [/CAPABILITY/, '* CAPABILITY IMAP4rev1\r\na1 OK\r\n']),
    options: { starttls: 'smtp' },
  },
  {
    is: 'plaintext behind the STARTTLS go-ahead',
    cause: 'starttls_injection',
    side: 'network',
    certainty: 'likely',
    server: lines('220 mail ESMTP\r\n', [/EHLO/, '250 STARTTLS\r\n'], [/STARTTLS/, '220 go\r\n250 injected\r\n']),
    options: { starttls: 'smtp' },
  },
];

describe('the doctor tells, where there is no TLS:', () => {
  for (const { is, cause, side, certainty, server, options = {}, world } of rows) {
    test(`${is}: ${cause}`, async () => {
      const broken = await server();
      try {
        const proxy = options.proxy?.replace('PORT', String(broken.port));
        const told = await diagnosisOf(broken.port, { ...options, ...(proxy && { proxy }) }, world);
        assertTold(told, cause, side, certainty);
      } finally {
        broken.close();
      }
    });
  }
});
