/**
 * TLS 1.3 by role: what it does with pre-shared keys comes with a session cache, with ticket keys, or with a version that says so.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  clientResumption,
  memorySessionCache,
  type SessionCache,
  serverResumption,
  type TicketKeys,
  TlsConfigError,
  ticketKeys,
  tls13,
  tls13Client,
  tls13PskClient,
  tls13PskServer,
  tls13Server,
} from '../../src/index.ts';
import { pair, providers } from '../support/pair.ts';
import { good, meet, ring, small } from '../tls13/shared-keys.ts';
import { accepted, back, earlyStage, rejected } from './early.ts';
import { full, resumed, stage } from './resuming.ts';

const client = { versions: [tls13Client] };
const server = { versions: [tls13Server] };
const roles = { client, server };

const refusal = (option: string, message: string) => (error: unknown) =>
  error instanceof TlsConfigError && error.option === option && error.message === `${option}: ${message}`;

for (const provider of providers) {
  describe(`TLS 1.3 by role, provider ${provider.name},`, () => {
    it('comes back by a session: the cache and the ticket keys bring what that takes', async () => {
      const here = stage(provider, roles);
      await full(await here.meet());
      await resumed(await here.meet());
    });

    it('sends early data, and takes it', async () => {
      const here = earlyStage(provider, roles);
      await accepted(await back(here, undefined, 'early'), 'early');
    });

    it('passes by a ticket and early data where there are no ticket keys', async () => {
      const here = earlyStage(provider, roles);
      const none = { server: { tickets: undefined as never, earlyData: undefined as never } };
      await rejected(await back(here, none, 'early'), 'early', 'this server takes none', full);
    });

    it('connects by a key from outside in the roles that take some', async () => {
      const met = await meet({
        provider,
        client: { versions: [tls13PskClient], preSharedKey: () => small },
        server: { versions: [tls13PskServer], preSharedKey: ring(small) },
      });
      await good(met, small);
    });

    it('refuses keys from outside in the others', () => {
      const message = 'TLS 1.3 takes it as tls13, tls13PskClient or tls13PskServer: name that in versions';
      for (const options of [
        { client: { ...client, preSharedKey: () => small } },
        { server: { ...server, preSharedKey: ring(small) } },
      ]) {
        assert.throws(() => pair({ provider, ...options }), refusal('preSharedKey', message));
      }
      assert.ok(pair({ provider, client: { versions: [tls13], preSharedKey: () => small } }));
    });

    it('refuses a session cache and ticket keys of a program’s own that do not hold what is done with them', () => {
      const { resumption: _, ...cache } = memorySessionCache();
      assert.throws(
        () => pair({ provider, client: { sessions: cache as SessionCache } }),
        refusal('sessions', 'it holds no resumption: clientResumption of @handfast/tls is meant'),
      );
      assert.ok(pair({ provider, client: { sessions: { ...cache, resumption: clientResumption } } }));
      const { resumption: __, ...keys } = ticketKeys({ provider });
      assert.throws(
        () => pair({ provider, server: { tickets: { keys: keys as TicketKeys } } }),
        refusal('tickets.keys', 'it holds no resumption: serverResumption of @handfast/tls is meant'),
      );
      assert.ok(pair({ provider, server: { tickets: { keys: { ...keys, resumption: serverResumption } } } }));
    });
  });
}
