import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { connected, exchange, providers } from './support/pair.ts';
import { clientCredential, pki } from './support/identities.ts';
import { PuppetClient, PuppetServer } from './support/puppet.ts';
import { startClient, startServer } from './support/pair.ts';

for (const provider of providers) {
  describe(`handshake, provider ${provider.name}`, () => {
    it('connects, verifies and exchanges data both ways', async () => {
      const both = await connected({ provider });
      assert.equal(both.client.error, undefined);
      assert.equal(both.client.established, true);
      both.client.connection.write(Buffer.from('ping'));
      both.server.connection.write(Buffer.from('pong'));
      await exchange(both);
      assert.equal(both.server.text(), 'ping');
      assert.equal(both.client.text(), 'pong');
    });
    it('puppets agree', async () => {
      const server = new PuppetServer(startClient({ provider }));
      await server.flight();
      await server.finish();
      await server.sendData('hello');
      assert.equal(server.side.text(), 'hello');
      server.side.connection.write(Buffer.from('x'));
      await server.receive();
      assert.equal(Buffer.concat(server.data).toString(), 'x');
      const client = new PuppetClient(startServer({ provider, clientCertificate: 'require', trust: pki.trust }));
      await client.sendHello();
      await client.readFlight();
      await client.flight({}, { authenticate: true });
      await client.sendData('hello');
      assert.equal(client.side.text(), 'hello');
    });
  });
}
