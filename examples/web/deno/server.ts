/**
 * A server in Deno, by our TLS: `deno run server.ts FOLDER`. It says its port, and answers each caller by name.
 *
 * @module
 */

import { webProvider as provider } from '@handfast/crypto/web';
import { accept, fromDenoConn } from '@handfast/tls/web';
import { parseCertificates, parsePrivateKey, trustStore } from '@handfast/x509';

const [folder] = Deno.args;
const read = (name: string) => Deno.readTextFile(`${folder}/${name}`);

const trust = trustStore(await read('ca.pem'));
const chain = parseCertificates(await read('server.pem'));
const signer = await provider.importPrivateKey(parsePrivateKey(await read('server.key')));

async function greet(tcp: Deno.Conn): Promise<void> {
  const options = { credentials: [{ chain, signer }], trust, clientCertificate: 'require' } as const;
  const stream = await accept(fromDenoConn(tcp), options);
  const heard = await new Response(stream.readable).text();
  const name = stream.peer?.chain[0]?.subject.commonName;
  const writer = stream.writable.getWriter();
  await writer.write(new TextEncoder().encode(`Deno heard ${name} say: ${heard}`));
  await writer.close();
}

const listener = Deno.listen({ hostname: '127.0.0.1', port: 0 });
console.log(listener.addr.port);
for await (const tcp of listener) greet(tcp).catch((error) => console.error(error.message));
