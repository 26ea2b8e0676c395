/**
 * The floor under a handshake of ours: the calls of `node:crypto` that both its ends make, in their number, and TCP with flights of
 * their lengths. No protocol: nothing is parsed, decided or verified. What is between this and `node:tls` is what all of our code
 * may take.
 *
 * @module
 */

import * as crypto from 'node:crypto';
import { once } from 'node:events';
import * as net from 'node:net';
import { gone, listening } from './contenders.ts';
import type { Contestant } from './rounds.ts';

/** Calls of a handshake, both ends together. */
export interface Calls {
  /** One-shot hashes: two an HMAC. */
  readonly hashes: number;
  /** Transcripts that are read. */
  readonly clones: number;
  readonly signatures: number;
  /** Records that are sealed, and opened; tickets, too. */
  readonly records: number;
  /** Bytes of the client's hello, the server's flight, the client's. */
  readonly flights: readonly [number, number, number];
}

/** Counted on a full handshake of TLS 1.3 with X25519 and P-256, and on one that goes on from a ticket. */
export const fullCalls: Calls = { hashes: 80, clones: 10, signatures: 1, records: 4, flights: [240, 860, 90] };
export const resumedCalls: Calls = { hashes: 120, clones: 10, signatures: 0, records: 6, flights: [620, 240, 90] };

export const floorLabels = {
  name: 'node:crypto and TCP alone',
  note: 'the calls that ours makes, and nothing else: no protocol',
} as const;

const workers = 4;
const aead = { authTagLength: 16 } as const;

export function floor(calls: Calls): Contestant {
  return {
    ...floorLabels,
    round: (milliseconds) => rate(milliseconds, calls),
  };
}

async function rate(milliseconds: number, calls: Calls): Promise<number> {
  const [hello, flight, finished] = calls.flights;
  const server = net.createServer({ noDelay: true }, (socket) => {
    socket.once('data', () => {
      socket.write(Buffer.alloc(flight));
      socket.resume();
    });
    socket.on('end', () => socket.end());
  });
  const port = await listening(server);
  const start = performance.now();
  let count = 0;
  const worker = async (): Promise<void> => {
    while (performance.now() - start < milliseconds) {
      const socket = net.connect({ host: '127.0.0.1', port, noDelay: true });
      await once(socket, 'connect');
      socket.write(Buffer.alloc(hello));
      await once(socket, 'data');
      cryptography(calls);
      socket.write(Buffer.alloc(finished));
      socket.resume().end();
      await gone(socket);
      count++;
    }
  };
  await Promise.all(Array.from({ length: workers }, worker));
  server.close();
  return (count * 1000) / (performance.now() - start);
}

const signer = crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' });
const input = new Uint8Array(crypto.randomBytes(120));
const key = new Uint8Array(crypto.randomBytes(16));
const header = new Uint8Array(5);
const nonce = new Uint8Array(crypto.randomBytes(12));

function cryptography({ hashes, clones, signatures, records }: Calls): void {
  const [client, server] = [crypto.generateKeyPairSync('x25519'), crypto.generateKeyPairSync('x25519')];
  for (const [own, peer] of [
    [client, server],
    [server, client],
  ] as const) {
    const share = peer.publicKey.export({ type: 'spki', format: 'pem' });
    crypto.diffieHellman({ privateKey: own.privateKey, publicKey: crypto.createPublicKey(share) });
  }
  for (let i = 0; i < signatures; i++) {
    crypto.verify('sha256', input, signer.publicKey, crypto.sign('sha256', input, signer.privateKey));
  }
  // Half of them are the inner hashes of HMACs, which come as text.
  for (let i = 0; i < hashes / 2; i++) {
    crypto.hash('sha256', input, 'binary');
    crypto.hash('sha256', input, 'buffer');
  }
  const transcript = crypto.createHash('sha256').update(input);
  for (let i = 0; i < clones; i++) transcript.copy().digest();
  for (let i = 0; i < records; i++) open(seal());
}

const lasting = crypto.createSecretKey(key);

/** What a message costs whoever receives it and answers: a record opened, another sealed, under keys that stay. */
export function recordBothWays(message: Uint8Array): void {
  open(seal(message, lasting), lasting);
}

interface Sealed {
  readonly ciphertext: Buffer;
  readonly tag: Buffer;
}

/** Each under a key of its own, as in a handshake, where few records have the same. */
function seal(content: Uint8Array = input, secret: crypto.KeyObject = crypto.createSecretKey(key)): Sealed {
  const cipher = crypto.createCipheriv('aes-128-gcm', secret, nonce, aead).setAAD(header);
  const ciphertext = cipher.update(content);
  cipher.final();
  return { ciphertext, tag: cipher.getAuthTag() };
}

function open({ ciphertext, tag }: Sealed, secret: crypto.KeyObject = crypto.createSecretKey(key)): void {
  const decipher = crypto.createDecipheriv('aes-128-gcm', secret, nonce, aead);
  decipher.setAAD(header).setAuthTag(tag).update(ciphertext);
  decipher.final();
}
