/**
 * A server in Bun, by our TLS: `bun server.ts FOLDER`. It says its port, and answers each caller by name.
 *
 * @module
 */

import { webProvider as provider } from '@handfast/crypto/web';
import { accept, type ByteStreams, bunHandlers } from '@handfast/tls/web';
import { parseCertificates, parsePrivateKey, trustStore } from '@handfast/x509';

const [, , folder] = Bun.argv;
const read = (name: string) => Bun.file(`${folder}/${name}`).text();

const trust = trustStore(await read('ca.pem'));
const chain = parseCertificates(await read('server.pem'));
const signer = await provider.importPrivateKey(parsePrivateKey(await read('server.key')));

async function greet(tcp: ByteStreams): Promise<void> {
  const stream = await accept(tcp, { credentials: [{ chain, signer }], trust, clientCertificate: 'require' });
  const heard = await new Response(stream.readable).text();
  const name = stream.peer?.chain[0]?.subject.commonName;
  const writer = stream.writable.getWriter();
  await writer.write(new TextEncoder().encode(`Bun heard ${name} say: ${heard}`));
  await writer.close();
}

const socket = bunHandlers((tcp) => greet(tcp).catch((error) => console.error(error.message)));
const listener = Bun.listen({ hostname: '127.0.0.1', port: 0, allowHalfOpen: true, socket });
console.log(listener.port);
