/**
 * Causes on a port that does not speak TLS, or not at once.
 *
 * @module
 */

import { quote } from '@handfast/tls';
import { formatHostPort } from '../../options.ts';
import { type Evidence, firstLine, type PlainProtocol } from '../evidence.ts';
import type { Cause } from './cause.ts';

interface StartTls {
  readonly protocol: PlainProtocol;
  readonly name: string;
  /** The port on which the protocol begins with TLS, where there is one. */
  readonly securePort: number | undefined;
}

const startTlsProtocols: readonly StartTls[] = [
  { protocol: 'smtp', name: 'SMTP', securePort: 465 },
  { protocol: 'imap', name: 'IMAP', securePort: 993 },
  { protocol: 'pop3', name: 'POP3', securePort: 995 },
  { protocol: 'ftp', name: 'FTP', securePort: 990 },
  { protocol: 'postgres', name: 'PostgreSQL', securePort: undefined },
  { protocol: 'mysql', name: 'MySQL', securePort: undefined },
  { protocol: 'ldap', name: 'LDAP', securePort: 636 },
  { protocol: 'xmpp', name: 'XMPP', securePort: 5223 },
];

function startTlsCause({ protocol, name, securePort }: StartTls): Cause {
  const other = securePort === undefined ? '' : `, or the port that begins with TLS, ${securePort}`;
  const remedy = `let the client begin TLS inside the protocol (here: --starttls ${protocol})${other}`;
  return {
    id: `plain_${protocol}`,
    title: `The port speaks ${name}, and begins TLS by STARTTLS`,
    side: 'client',
    told: 'certain where its STARTTLS dialogue led to a go-ahead; likely by its first bytes alone',
    codes: ['not_tls'],
    remedy,
    find: (evidence) => {
      const { plain, target } = evidence;
      if (target.startTls !== undefined || plain?.protocol !== protocol) return undefined;
      const greeting = plain.banner === '' ? '' : `: it begins with ${quote(firstLine(plain.banner))}`;
      const where = formatHostPort(target);
      if (plain.startTls === true) {
        return {
          certainty: 'certain',
          says: `${where} speaks ${name} in plaintext${greeting}. It does begin TLS when it is asked in that protocol’s own way.`,
        };
      }
      return {
        certainty: 'likely',
        side: 'server',
        says: `${where} speaks ${name} in plaintext${greeting}. Asked in that protocol’s own way, it did not begin TLS either.`,
        remedy: `set TLS up in the server, then use --starttls ${protocol}`,
      };
    },
  };
}

function says({ plain, target }: Evidence, what: string): string {
  const banner = plain?.banner ? `: it answers with ${quote(firstLine(plain.banner))}` : '';
  return `${formatHostPort(target)} ${what}${banner}.`;
}

export const plaintextCauses: readonly Cause[] = [
  ...startTlsProtocols.map(startTlsCause),
  {
    id: 'plain_http',
    title: 'The port speaks HTTP without TLS',
    side: 'client',
    told: 'certain: it answered with an HTTP status line',
    codes: ['not_tls'],
    remedy:
      'use http:// for this port, or the port that speaks HTTPS (443, mostly); where it should be HTTPS, TLS is not set up in the server (nginx: `listen … ssl`)',
    find: (evidence) =>
      evidence.plain?.protocol === 'http'
        ? { certainty: 'certain', says: says(evidence, 'speaks plain HTTP, not TLS') }
        : undefined,
  },
  {
    id: 'plain_ssh',
    title: 'The port speaks SSH',
    side: 'client',
    told: 'certain: it began with an SSH version',
    codes: ['not_tls'],
    remedy: 'connect with an SSH client, or use the port of the TLS service',
    find: (evidence) =>
      evidence.plain?.protocol === 'ssh'
        ? { certainty: 'certain', says: says(evidence, 'speaks SSH, not TLS') }
        : undefined,
  },
  {
    id: 'plain_other',
    title: 'The port does not speak TLS',
    side: 'client',
    told: 'certain that it is no TLS: its bytes are no records; which protocol it is, nobody knows',
    codes: ['not_tls'],
    remedy: 'look up which port the TLS service has, and what listens on this one',
    find: (evidence) => {
      const { plain, main } = evidence;
      if (plain === undefined || plain.protocol !== undefined || main.helloBytes === 0) return undefined;
      if (plain.banner === '' && main.failure?.code !== 'not_tls') return undefined;
      return {
        certainty: 'certain',
        says: says(evidence, 'answers with bytes that are no TLS, and no protocol that we know'),
      };
    },
  },
];
