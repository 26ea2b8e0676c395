/**
 * A client in Deno, by our TLS: `deno run client.ts PORT FOLDER`, where the folder has the certificates.
 *
 * @module
 */

import { webProvider as provider } from '@handfast/crypto/web';
import { connect, fromDenoConn } from '@handfast/tls/web';
import { parseCertificates, parsePrivateKey, trustStore } from '@handfast/x509';

const [port, folder] = Deno.args;
const read = (name: string) => Deno.readTextFile(`${folder}/${name}`);

const trust = trustStore(await read('ca.pem'));
const chain = parseCertificates(await read('client.pem'));
const signer = await provider.importPrivateKey(parsePrivateKey(await read('client.key')));

const tcp = await Deno.connect({ hostname: '127.0.0.1', port: Number(port) });
const stream = await connect(fromDenoConn(tcp), { serverName: 'localhost', trust, credentials: [{ chain, signer }] });

const writer = stream.writable.getWriter();
await writer.write(new TextEncoder().encode('Hello from Deno.\n'));
await writer.close();
console.log((await new Response(stream.readable).text()).trim());
