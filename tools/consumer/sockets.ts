/**
 * What a user of the installed packages writes on Node: a server and a client over loopback.
 */
import { text } from 'node:stream/consumers';
import { nodeProvider as provider } from '@handfast/crypto/node';
import { connect, createServer } from '@handfast/tls/node';
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

const server = createServer({ credentials: [{ chain: [leaf], signer }] }, (socket) => {
  socket.end('hello');
});
await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
const address = server.address();
if (address === null || typeof address === 'string') throw new Error('no port');
const socket = connect({
  host: '127.0.0.1',
  port: address.port,
  servername: 'consumer.example',
  trust: trustStore([certificate]),
});
const heard = await text(socket);
server.close();
if (heard !== 'hello') throw new Error(`heard ${JSON.stringify(heard)}`);
