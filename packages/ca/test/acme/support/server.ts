/**
 * An ACME server over a database in memory, with a clock that stands still and a challenge that says what the test wants.
 *
 * @module
 */

import { nodeProvider } from '@handfast/crypto/node';
import { type Acme, createAcme } from '../../../src/acme/app.ts';
import type { AcmeEvent, AcmeOptions } from '../../../src/acme/settings.ts';
import type { Challenge, ValidationRequest } from '../../../src/acme/validation/challenge.ts';
import type { Database } from '../../../src/store/database.ts';
import { type FakeAuthority, fakeAuthority } from './authority.ts';
import { Client, csrFor, type Key, orderFor, type Reply } from './client.ts';
import { memoryDatabase } from './database.ts';

export const base = 'https://ca.test';

export interface TestServer extends AsyncDisposable {
  readonly acme: Acme;
  readonly authority: FakeAuthority;
  readonly database: Database;
  readonly events: AcmeEvent[];
  /** What was validated. */
  readonly validations: ValidationRequest[];
  /** How a validation goes: at once and well, unless set. */
  answer: (request: ValidationRequest) => Promise<void>;
  /** Milliseconds that pass. */
  pass(ms: number): void;
  client(key?: Key): Client;
  /** A client with an account. */
  registered(key?: Key): Promise<Client>;
}

export async function startServer(options: Partial<AcmeOptions> = {}): Promise<TestServer> {
  let now = Date.UTC(2026, 10, 1);
  const clock = (): Date => new Date(now);
  const database = memoryDatabase();
  const authority = await fakeAuthority(clock);
  const events: AcmeEvent[] = [];
  const validations: ValidationRequest[] = [];
  const server = { answer: async (): Promise<void> => undefined } as Pick<TestServer, 'answer'>;
  const challenge: Challenge = {
    type: 'http-01',
    offers: ({ wildcard }) => !wildcard,
    async validate(request) {
      validations.push(request);
      await server.answer(request);
    },
  };
  const acme = await createAcme({
    authority,
    database,
    provider: nodeProvider,
    baseUrl: base,
    challenges: [challenge],
    clock,
    log: (event) => events.push(event),
    ...options,
  });
  const client = (key?: Key): Client => new Client(acme.fetch, base, key);
  return Object.assign(server, {
    acme,
    authority,
    database,
    events,
    validations,
    pass(ms: number) {
      now += ms;
    },
    client,
    async registered(key?: Key) {
      const made = client(key);
      await made.register();
      return made;
    },
    async [Symbol.asyncDispose]() {
      await acme.close();
      await database.close();
    },
  });
}

/** An order with its challenges answered and looked at. */
export async function provenOrder({ acme }: TestServer, client: Client, ...names: readonly string[]): Promise<Reply> {
  const made = await client.post('new-order', orderFor(...names));
  for (const url of made.json.authorizations) {
    const { json } = await client.post(url);
    if (json.status === 'pending') await client.post(json.challenges[0].url, {});
  }
  await acme.idle();
  return await client.post(made.headers.get('location') ?? '');
}

/** The PEM chain of a certificate for these names, and the order that it came by. */
export async function certificateFor(
  server: TestServer,
  client: Client,
  ...names: readonly string[]
): Promise<{ readonly pem: string; readonly order: Reply }> {
  const ready = await provenOrder(server, client, ...names);
  const order = await client.post(ready.json.finalize, { csr: await csrFor(names) });
  const { text: pem } = await client.post(order.json.certificate);
  return { pem, order };
}
