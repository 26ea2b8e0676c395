/**
 * An old device: it speaks TLS 1.0 and nothing else. What it takes stands in imports; a client without them refuses it.
 *
 * @module
 */

import { text } from 'node:stream/consumers';
import { nodeLegacy, nodeLegacyProvider } from '@handfast/crypto/legacy/node';
import { TlsError } from '@handfast/tls';
import { legacyCipherSuites, tls10 } from '@handfast/tls/legacy';
import { connect, createServer } from '@handfast/tls/node';
import { exampleCa } from './support/certificates.ts';
import { onLoopback } from './support/loopback.ts';

const ca = await exampleCa();
const old = {
  provider: nodeLegacyProvider,
  versions: [tls10],
  cipherSuites: legacyCipherSuites.filter(({ supportedBy }) => supportedBy(nodeLegacyProvider)),
};

const credentials = [await ca.oldServer(nodeLegacy, 'printer.example')];
const device = createServer({ ...old, credentials }, (socket) => {
  socket.end(`Paper jam. (${socket.getProtocol()}, ${socket.getCipher()?.name})`);
});
const where = { ...(await onLoopback(device)), servername: 'printer.example', trust: ca.trust };

console.log(await text(connect({ ...where, ...old })));

const careful = connect(where);
careful.once('error', (error) => {
  if (error instanceof TlsError) console.log(`Without the imports: ${error.message}`);
  device.close();
});
