/**
 * What `enableTrace` and `--trace-tls` print on the standard error output: a line for each step, with names and lengths and never
 * with content; and of the same messages that Node's trace has.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';

const urls = {
  ours: new URL('../../src/node/index.ts', import.meta.url).href,
  support: new URL('./behaviour/support.ts', import.meta.url).href,
};

/** What a process prints that has one connection for each of `ways`, a blank line between them. */
async function printed(ways: readonly string[], flags: readonly string[] = [], tls = urls.ours): Promise<string> {
  const script = `
    import { once } from 'node:events';
    const { default: tls } = await import(${JSON.stringify(tls)});
    const { local, shown, ca } = await import(${JSON.stringify(urls.support)});
    for (const way of ${JSON.stringify(ways)}) {
      const server = tls.createServer({ ...shown(local), ...(way === 'server' && { enableTrace: true }) });
      server.on('secureConnection', (socket) => socket.end('secret of ours'));
      await once(server.listen(0, '127.0.0.1'), 'listening');
      const { port } = server.address();
      const options = { host: '127.0.0.1', port, ca, servername: 'localhost', ecdhCurve: 'X25519' };
      const client = tls.connect({ ...options, ...(way === 'client' && { enableTrace: true }) });
      if (way === 'method') client.enableTrace();
      client.resume();
      await once(client, 'close');
      await new Promise((resolve) => server.close(resolve));
      process.stderr.write('\\n');
    }`;
  const all = ['--conditions=@handfast/source', '--no-warnings', ...flags, '--input-type=module', '-e', script];
  const { stderr } = await promisify(execFile)(process.execPath, all);
  return stderr;
}

const ofClient = [
  ...['sent client_hello, N bytes', 'waits in WAIT_SH', 'received server_hello, N bytes'],
  ...['handshake keys for reading', 'handshake keys for writing'],
  ...['waits in WAIT_EE', 'received encrypted_extensions, N bytes'],
  ...['waits in WAIT_CERT_CR', 'received certificate, N bytes'],
  ...['waits in WAIT_CV', 'received certificate_verify, N bytes', 'certificate verified'],
  ...['waits in WAIT_FINISHED', 'received finished, N bytes', 'application keys for reading'],
  ...['sent finished, N bytes', 'application keys for writing'],
  ...['TLS 1.3 with TLS_AES_128_GCM_SHA256', 'waits in CONNECTED'],
  ...['received alert close_notify', 'sent alert close_notify', 'ended'],
].map((line) => `TLS client: ${line}`);

const ofServer = [
  ...['waits in START', 'received client_hello, N bytes', 'sent server_hello, N bytes'],
  ...['handshake keys for writing', 'handshake keys for reading'],
  ...['sent encrypted_extensions, N bytes', 'sent certificate, N bytes', 'sent certificate_verify, N bytes'],
  ...['sent finished, N bytes', 'application keys for writing'],
  ...['waits in WAIT_FINISHED', 'received finished, N bytes', 'application keys for reading'],
  ...['TLS 1.3 with TLS_AES_128_GCM_SHA256', 'waits in CONNECTED'],
  ...['sent alert close_notify', 'received alert close_notify', 'ended'],
].map((line) => `TLS server: ${line}`);

/** The lines of each connection. */
function connections(text: string): readonly (readonly string[])[] {
  return text
    .replace(/\d+ bytes/g, 'N bytes')
    .split('\n\n')
    .map((part) => part.split('\n').filter((line) => line !== ''));
}

describe('the trace', () => {
  it('is of the side that has the option, or the method before its handshake, and of nobody else', async () => {
    const text = await printed(['client', 'server', 'method', 'none']);
    assert.deepEqual(connections(text).slice(0, 4), [ofClient, ofServer, ofClient, []]);
    assert.doesNotMatch(text, /secret/);
  });

  it('is of both sides with --trace-tls, and has the messages that Node’s has', async () => {
    const [text, nodes] = await Promise.all([
      printed(['none'], ['--trace-tls']),
      printed(['none'], ['--trace-tls'], 'node:tls'),
    ]);
    const lines = connections(text).flat();
    const of = (side: string): readonly string[] => lines.filter((line) => line.startsWith(`TLS ${side}: `));
    assert.deepEqual(
      [of('client'), of('server'), lines.length],
      [ofClient, ofServer, ofClient.length + ofServer.length],
    );
    const messages = new Set([...nodes.matchAll(/^ {4}(\w+), Length=/gm)].map(([, name]) => name));
    const inOurWords = [...messages].map((name = '') => name.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toLowerCase());
    const told = new Set(lines.flatMap((line) => /(?:sent|received) (\w+), /.exec(line)?.[1] ?? []));
    // Both of Node's sides write in pieces, into one another: of some messages the name is lost. Tickets may come or not before such
    // an end, and are told of where a session is kept, which nobody here asked for.
    assert.deepEqual(
      inOurWords.filter((name) => !told.has(name) && name !== 'new_session_ticket'),
      [],
    );
    assert.ok(inOurWords.length > 0, nodes);
  });
});
