/**
 * The addresses of a name where no resolvers are named: the hosts file, DNS by the system's servers, and then whatever
 * else the system knows (mDNS, a directory, DNS for one domain over a VPN).
 *
 * That last is `getaddrinfo`, which cannot be given up: it has two threads, and a name whose servers say nothing holds one for many
 * seconds, whoever still waits for it. So it is not asked for what DNS knows, and for few names at a time: slow names of one client
 * hold up nobody whose name is in DNS or in the hosts file.
 *
 * @module
 */

import { lookup } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseIp } from '@handfast/x509';
import { type Dns, dnsBy } from './dns.ts';

/** What tests have in its place. */
export interface SystemParts {
  readonly hostsFile?: string;
  readonly dns?: Pick<Dns, 'addresses'>;
  readonly getaddrinfo?: (name: string) => Promise<readonly string[]>;
}

/** Names at a time that `getaddrinfo` is asked for. */
const maxAsked = 8;

/** One for a process, which has one pool of threads. */
export function systemResolver(
  parts: SystemParts = {},
): (name: string, signal: AbortSignal) => Promise<readonly string[]> {
  const { hostsFile = systemHosts(), dns = dnsBy(), getaddrinfo = askSystem } = parts;
  let asked = 0;
  const bounded = async (name: string): Promise<readonly string[]> => {
    if (asked === maxAsked) {
      throw new Error(`DNS does not know ${name}, and the system is busy with ${asked} other names that are slow`);
    }
    asked++;
    try {
      return await getaddrinfo(name);
    } finally {
      asked--;
    }
  };
  return async (name, signal) => {
    const plain = name.toLowerCase().replace(/\.$/, '');
    const listed = listedIn(await readFile(hostsFile, 'utf8').catch(() => ''), plain);
    if (listed.length > 0) return listed;
    const failures: unknown[] = [];
    try {
      const found = await dns.addresses(name, signal);
      if (found.length > 0) return found;
    } catch (error) {
      signal.throwIfAborted();
      failures.push(error);
    }
    try {
      return await bounded(name);
    } catch (error) {
      throw failures.length === 0 ? error : new AggregateError([...failures, error]);
    }
  };
}

async function askSystem(name: string): Promise<readonly string[]> {
  return (await lookup(name, { all: true, verbatim: true })).map(({ address }) => address);
}

function systemHosts(): string {
  if (process.platform !== 'win32') return '/etc/hosts';
  return join(process.env.SystemRoot ?? 'C:\\Windows', 'System32', 'drivers', 'etc', 'hosts');
}

/** Each line is an address, and names for it. */
function listedIn(hosts: string, name: string): readonly string[] {
  return hosts.split('\n').flatMap((line) => {
    const [address = '', ...names] = line.replace(/#.*/, '').trim().toLowerCase().split(/\s+/);
    return names.includes(name) && parseIp(address) !== undefined ? [address] : [];
  });
}
