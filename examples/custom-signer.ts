/**
 * A private key that never enters this process: a `Signer` that asks a key management service, asynchronously. TLS only
 * ever needs signatures.
 *
 * @module
 */

import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import type { Signer } from '@handfast/crypto';
import { connect, createServer } from '@handfast/tls/node';
import { exampleCa } from './support/certificates.ts';
import { onLoopback } from './support/loopback.ts';

const ca = await exampleCa();
const { chain, signer: keyInTheKms } = await ca.server('pay.example');

const kms: Signer = {
  publicKey: keyInTheKms.publicKey,
  algorithms: ['ecdsa-sha256'],
  async sign(algorithm, data) {
    console.log(`KMS: asked for a signature (${algorithm} over ${data.length} bytes)`);
    await delay(10); // a round trip to another machine
    return keyInTheKms.sign(algorithm, data);
  },
};

const server = createServer({ credentials: [{ chain, signer: kms }] }, (socket) => {
  socket.end('Signed elsewhere.');
});

const socket = connect({ ...(await onLoopback(server)), servername: 'pay.example', trust: ca.trust });
console.log(await text(socket));

server.close();
