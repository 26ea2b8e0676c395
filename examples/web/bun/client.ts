/**
 * A client in Bun, by our TLS: `bun client.ts PORT FOLDER`, where the folder has the certificates.
 *
 * @module
 */

import { webProvider as provider } from '@handfast/crypto/web';
import { connect, fromBunSocket } from '@handfast/tls/web';
import { parseCertificates, parsePrivateKey, trustStore } from '@handfast/x509';

const [, , port, folder] = Bun.argv;
const read = (name: string) => Bun.file(`${folder}/${name}`).text();

const trust = trustStore(await read('ca.pem'));
const chain = parseCertificates(await read('client.pem'));
const signer = await provider.importPrivateKey(parsePrivateKey(await read('client.key')));

const where = { hostname: '127.0.0.1', port: Number(port), allowHalfOpen: true };
const tcp = fromBunSocket((socket) => Bun.connect({ ...where, socket }));
const stream = await connect(tcp, { serverName: 'localhost', trust, credentials: [{ chain, signer }] });

const writer = stream.writable.getWriter();
await writer.write(new TextEncoder().encode('Hello from Bun.\n'));
await writer.close();
console.log((await new Response(stream.readable).text()).trim());
