/**
 * What an authority has done in a month and a half: certificates of several kinds, a few revoked, a few about to end, and orders
 * that failed.
 *
 * @module
 */

import type { Database, IssueRequest, OpenAuthority } from '@handfast/ca';
import { nodeProvider as provider } from '@handfast/crypto/node';

const day = 86_400_000;

export interface Seeding {
  readonly authority: OpenAuthority;
  readonly database: Database;
  readonly clock: () => Date;
  /** How long ago it begins. */
  readonly history: number;
  setBehind(ms: number): void;
}

const hosts = ['gitlab', 'wiki', 'mail', 'grafana', 'registry', 'vault', 'ldap', 'db1', 'db2', 'build', 'proxy', 'www'];
const people = ['alice', 'bob', 'carol', 'dave'];
const total = 60;

/** How many a day: fewer at weekends, and one busy day. */
const rhythm = [1, 2, 0, 1, 3, 1, 0];

export async function seed({ authority, database, clock, history, setBehind }: Seeding): Promise<void> {
  let issued = 0;
  const serials: string[] = [];
  const days = Math.floor(history / day);
  for (let at = 0; at < days && issued < total; at++) {
    setBehind(history - at * day);
    const busy = at === days - 9 ? 9 : 0;
    const left = at === days - 1 ? total - issued : (rhythm[at % rhythm.length] ?? 0) + busy;
    for (let index = 0; index < left && issued < total; index++, issued++) {
      const { signer } = await provider.generateKeyPair('secp256r1');
      const { certificate } = await authority.issue({ ...requestOf(issued, days - at), publicKey: signer.publicKey });
      serials.push(certificate.serialNumberHex);
      if (issued % 13 === 12) {
        const reason = issued % 2 === 0 ? 'superseded' : 'cessationOfOperation';
        await authority.revoke({ serial: certificate.serialNumberHex, reason, by: 'operator alice' });
      }
    }
  }
  setBehind(0);
  await failOrders(database, clock().getTime());
}

/** `age`: days ago. */
function requestOf(index: number, age: number): Omit<IssueRequest, 'publicKey'> {
  const host = hosts[index % hosts.length];
  if (index % 9 === 4) {
    const person = people[index % people.length];
    return {
      names: [],
      emails: [`${person}@corp.example`],
      commonName: `${person}`,
      profile: 'client',
      by: 'operator alice',
    };
  }
  const names = [`${host}.corp.example`, ...(index % 4 === 0 ? [`${host}.eu.corp.example`, '10.0.0.7'] : [])];
  const byAcme = index % 3 !== 2;
  // Some ended long ago, some end soon.
  const lifetimeMs =
    index % 10 === 3 ? (age + 1 + (index % 7)) * day : index % 10 === 7 ? Math.max(1, age - 4) * day : 90 * day;
  return { names, lifetimeMs, by: byAcme ? `acme account ${1 + (index % 3)}` : 'operator alice' };
}

const failures = [
  [
    'printer.corp.example',
    'http-01',
    'connection',
    'no connection to 10.0.4.9 at port 80: the connection was refused',
    0.1,
  ],
  ['old.corp.example', 'dns-01', 'dns', 'there is no TXT record at _acme-challenge.old.corp.example', 0.7],
  [
    'shop.corp.example',
    'http-01',
    'incorrectResponse',
    'what stands at /.well-known/acme-challenge/ is not the key authorization',
    2.2,
  ],
  ['api.corp.example', 'tls-alpn-01', 'caa', 'CAA records of corp.example forbid this CA to issue', 5.5],
] as const;

async function failOrders(database: Database, now: number): Promise<void> {
  const run = (text: string, ...values: (string | number | null)[]): Promise<number> => database.run(text, values);
  await database.run(
    `INSERT INTO acme_accounts (id, status, thumbprint, public_key, contacts, created_at) VALUES ($1, 'valid', $2, $3, $4, $5)`,
    ['a1', 'thumbprint', new Uint8Array([1]), '["mailto:ops@corp.example"]', now - 40 * day],
  );
  for (const [index, [name, type, problem, detail, ago]] of failures.entries()) {
    const created = now - ago * day;
    const [order, authorization] = [`order-${index}`, `authorization-${index}`];
    const of = `urn:ietf:params:acme:error:${problem}`;
    const error = JSON.stringify({ type: of, detail, identifier: { type: 'dns', value: name } });
    await run(
      `INSERT INTO acme_orders (id, account_id, status, expires_at, error, created_at) VALUES ($1, 'a1', 'invalid', $2, $3, $4)`,
      ...[order, created + 7 * day, error, created],
    );
    await run(
      `INSERT INTO acme_authorizations (id, account_id, identifier_type, identifier_value, wildcard, status, expires_at, created_at)
       VALUES ($1, 'a1', 'dns', $2, 0, 'invalid', $3, $4)`,
      ...[authorization, name, created + 7 * day, created],
    );
    await run(
      `INSERT INTO acme_challenges (id, authorization_id, type, token, status, error) VALUES ($1, $2, $3, 't', 'invalid', $4)`,
      ...[`challenge-${index}`, authorization, type, error],
    );
    await run(
      'INSERT INTO acme_order_authorizations (order_id, position, authorization_id) VALUES ($1, 0, $2)',
      ...[order, authorization],
    );
  }
}
