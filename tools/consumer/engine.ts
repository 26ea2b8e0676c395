/**
 * What a user of the installed packages writes for a browser, a worker or any other runtime: the engine on the web
 * provider, without a word of Node's.
 */
import { webProvider as provider } from '@handfast/crypto/web';
import { clientConfig, serverConfig, tls13, tlsClient, tlsServer } from '@handfast/tls';
import { issueRoot, issueServerCertificate, trustStore } from '@handfast/x509';

const validity = { notBefore: new Date(Date.now() - 60_000), notAfter: new Date(Date.now() + 3_600_000) };
const root = await provider.generateKeyPair('secp256r1');
const certificate = await issueRoot({
  provider,
  signer: root.signer,
  subject: { commonName: 'Consumer CA' },
  pathLength: 0,
  ...validity,
});
const { signer } = await provider.generateKeyPair('secp256r1');
const leaf = await issueServerCertificate({
  provider,
  issuer: { certificate, signer: root.signer },
  subject: { commonName: 'consumer.example' },
  names: ['consumer.example'],
  publicKey: signer.publicKey,
  ...validity,
});

const toServer: Uint8Array[] = [];
const toClient: Uint8Array[] = [];
const heard = new Promise<Uint8Array>((done, fail) => {
  const client = tlsClient(
    clientConfig({ provider, versions: [tls13], trust: trustStore([certificate]) }),
    { serverName: 'consumer.example' },
    {
      send: (chunks) => void toServer.push(...chunks),
      resume: () => deliver(),
      established: () => queueMicrotask(() => client.write(Uint8Array.of(1, 2, 3))),
      closed: (error) => fail(error ?? new Error('closed')),
    },
  );
  const server = tlsServer(serverConfig({ provider, versions: [tls13], credentials: [{ chain: [leaf], signer }] }), {
    send: (chunks) => void toClient.push(...chunks),
    resume: () => deliver(),
    data: done,
    closed: (error) => fail(error ?? new Error('closed')),
  });
  client.start();
  server.start();
  const timer: { readonly setInterval: (run: () => void, ms: number) => unknown } = globalThis;
  timer.setInterval(() => deliver(), 5);

  function deliver(): void {
    for (const [queue, to] of [
      [toServer, server],
      [toClient, client],
    ] as const) {
      for (let chunk = queue.shift(); chunk !== undefined; chunk = queue.shift()) {
        const taken = to.receive(chunk);
        if (taken < chunk.length) {
          queue.unshift(chunk.subarray(taken));
          break;
        }
      }
    }
  }
});
const data = await heard;
if (data.join() !== '1,2,3') throw new Error(`heard ${data.join()}`);
// The timer above keeps the process, and nothing here may ask Node to end it.
(globalThis as { process?: { exit(code: number): void } }).process?.exit(0);
