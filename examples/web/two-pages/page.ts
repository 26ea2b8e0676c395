/**
 * Two pages and a data channel between them. WebRTC encrypts it, but to whom, whoever carries the signalling decides: he
 * can put fingerprints of his own there. Mutual TLS inside asks for names, and a CA vouches for them.
 *
 * Open it twice: `/?alice` calls Bob, `/?bob` answers; as `/?mallory` would, whom Alice does not want.
 *
 * @module
 */

import { accept, connect, fromDataChannel, type TlsStream } from '@handfast/tls/web';
import { trustStore } from '@handfast/x509';
import { certifiedKey } from '../credential.ts';
import { show, showError } from '../show.ts';
import ca from './ca.pem';
import { dataChannel } from './signalling.ts';

/** Says something, and shows who answers what. */
async function talk(stream: TlsStream, words: string): Promise<void> {
  const writer = stream.writable.getWriter();
  await writer.write(new TextEncoder().encode(words));
  const reader = stream.readable.pipeThrough(new TextDecoderStream()).getReader();
  const { value: heard } = await reader.read();
  const peer = stream.negotiated.peer?.chain[0]?.subject.commonName;
  show({ peer, heard, group: stream.negotiated.group?.name });
}

const name = location.search.slice(1);
const trust = trustStore(ca);
try {
  if (name === 'alice') {
    const credentials = [await certifiedKey(name)];
    const transport = fromDataChannel(await dataChannel('call'));
    await talk(await connect(transport, { serverName: 'bob.example', credentials, trust }), 'Hello, Bob.');
  } else {
    const credentials = [await certifiedKey(name, [`${name}.example`])];
    const transport = fromDataChannel(await dataChannel('answer'));
    await talk(await accept(transport, { credentials, trust, clientCertificate: 'require' }), 'Good evening, Alice.');
  }
} catch (error) {
  showError(error);
}
