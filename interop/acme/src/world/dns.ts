/**
 * The domain name system of a site: NSD has the zone `test`, and Unbound, which both the CA and the client ask, has it from there. Who
 * proves a name by dns-01 asks for records over HTTP, in the words that lego's `httpreq` has for it.
 *
 * @module
 */

import { Resolver } from 'node:dns/promises';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Running } from '../../../../programs/src/processes.ts';
import type { Addresses } from './site.ts';

export interface Dns extends AsyncDisposable {
  /** Where `POST /present` and `POST /cleanup` with `{ fqdn, value }` put and take TXT records: they are to be seen with the answer. */
  readonly url: string;
  /** Ends the authoritative server: from then on the recursive one has an address for `late.test`, and no answer to anything else. */
  stopAuthoritative(): Promise<void>;
}

const patienceMs = 20_000;
const present = 'present';

export async function startDns(folder: string, addresses: Addresses): Promise<Dns> {
  await using undo = new AsyncDisposableStack();
  await mkdir(folder);
  const zone = new Zone(join(folder, 'test.zone'), addresses);
  await zone.write();
  const authoritative = await startNsd(folder, addresses);
  undo.defer(() => authoritative.stop());
  const recursive = await startUnbound(folder, addresses);
  undo.defer(() => recursive.stop());
  const seen = async (): Promise<void> => {
    for (const [address, server] of [
      [addresses.authoritative, authoritative],
      [addresses.resolver, recursive],
    ] as const) {
      await zone.servedBy(address, server);
    }
  };
  await seen();

  // One change after another.
  let last = Promise.resolve();
  const change = (how: () => void): Promise<void> => {
    last = last.then(async () => {
      how();
      await zone.write();
      authoritative.child.kill('SIGHUP');
      await seen();
    });
    return last;
  };
  const server = createServer((request, response) => {
    (async () => {
      const { fqdn, value } = (await JSON.parse(await bodyOf(request))) as { fqdn: string; value: string };
      const records = zone.texts;
      await change(() =>
        request.url === `/${present}` ? records.add(`${fqdn} ${value}`) : records.delete(`${fqdn} ${value}`),
      );
      response.end();
    })().catch((error: unknown) => response.writeHead(500).end(String(error)));
  });
  const port = 8053;
  server.listen(port, addresses.ca);
  await once(server, 'listening');
  undo.defer(() => close(server));
  const owned = undo.move();
  return {
    url: `http://${addresses.ca}:${port}`,
    stopAuthoritative: () => authoritative.stop(),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function bodyOf(request: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts).toString();
}

async function close(server: Server): Promise<void> {
  server.close();
  server.closeAllConnections();
}

/** What NSD serves. */
class Zone {
  /** `NAME VALUE` */
  readonly texts = new Set<string>();
  readonly #file: string;
  readonly #addresses: Addresses;
  #serial = 0;

  constructor(file: string, addresses: Addresses) {
    this.#file = file;
    this.#addresses = addresses;
  }

  async write(): Promise<void> {
    const { ca, client, authoritative } = this.#addresses;
    this.#serial++;
    const texts = [...this.texts].map((text) => {
      const [name, value] = text.split(' ');
      return `${name?.replace(/\.?$/, '.')} TXT "${value}"`;
    });
    const lines = [
      '$ORIGIN test.',
      '$TTL 0',
      `@ SOA ns hostmaster ${this.#serial} 3600 600 86400 0`,
      '@ NS ns',
      '@ CAA 0 issue "ca.test"',
      `ns A ${authoritative}`,
      `ca A ${ca}`,
      `app A ${client}`,
      `*.app A ${client}`,
      // Servers beside the CA.
      `*.ca A ${ca}`,
      // Of another CA's.
      `foreign A ${client}`,
      'foreign CAA 0 issue "other.test"',
      ...texts,
    ];
    await writeFile(this.#file, `${lines.join('\n')}\n`);
  }

  /** Until a server has what was written last. */
  async servedBy(address: string, server: Running): Promise<void> {
    const resolver = new Resolver({ timeout: 500, tries: 1 });
    resolver.setServers([address]);
    for (const since = performance.now(); ; await delay(20)) {
      const soa = await resolver.resolveSoa('test').catch(() => undefined);
      if (soa?.serial === this.#serial) return;
      if (server.ended) throw new Error(`the name server ended: ${server.words}`);
      if (performance.now() - since > patienceMs) throw new Error(`${address} has no new zone: ${server.words}`);
    }
  }
}

async function startNsd(folder: string, { authoritative }: Addresses): Promise<Running> {
  const file = join(folder, 'nsd.conf');
  const own = (name: string): string => `"${join(folder, name)}"`;
  await writeFile(
    file,
    `server:
  ip-address: ${authoritative}
  port: 53
  do-ip6: no
  server-count: 1
  username: ""
  zonesdir: "${folder}"
  database: ""
  zonelistfile: ${own('nsd-zone.list')}
  xfrdfile: ${own('nsd-xfrd.state')}
  xfrdir: "${folder}"
  pidfile: ${own('nsd.pid')}
  rrl-ratelimit: 0
  verbosity: 1
remote-control:
  control-enable: no
zone:
  name: "test"
  zonefile: "test.zone"
`,
  );
  return new Running('nsd', ['-d', '-c', file]);
}

async function startUnbound(folder: string, { resolver, authoritative, client }: Addresses): Promise<Running> {
  const file = join(folder, 'unbound.conf');
  // `test` is none of the root's, and is not looked for there; nothing else is there to be found. Answers are not kept.
  // One name has an address whether NSD is there or not.
  await writeFile(
    file,
    `server:
  interface: ${resolver}
  access-control: 10.77.0.0/16 allow
  do-ip6: no
  do-daemonize: no
  use-syslog: no
  logfile: ""
  username: ""
  chroot: ""
  directory: "${folder}"
  pidfile: ""
  module-config: "iterator"
  cache-max-ttl: 0
  cache-max-negative-ttl: 0
  infra-host-ttl: 1
  local-zone: "." static
  local-zone: "test." transparent
  local-zone: "late.test." typetransparent
  local-data: "late.test. 0 IN A ${client}"
remote-control:
  control-enable: no
stub-zone:
  name: "test"
  stub-addr: ${authoritative}
  stub-no-cache: yes
`,
  );
  return new Running('unbound', ['-d', '-c', file]);
}
