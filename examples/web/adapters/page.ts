/**
 * One megabyte there and back over each transport that a browser has; the far end is OpenSSL behind a bridge, or ours.
 * `/?over=websocket` and so on.
 *
 * @module
 */

import type { Credential } from '@handfast/tls';
import {
  accept,
  type ByteStreams,
  connect,
  fromDataChannel,
  fromMessagePort,
  fromWebSocket,
  fromWebSocketStream,
} from '@handfast/tls/web';
import { trustStore } from '@handfast/x509';
import { certifiedKey } from '../credential.ts';
import { show, showError } from '../show.ts';
import ca from './ca.pem';

type Transport = ByteStreams | PromiseLike<ByteStreams>;

const bridge = `ws://${location.host}/to/echo`;
const asked = new URLSearchParams(location.search);
const trust = trustStore(ca);

/** In Chromium, and in no compiler's types yet. */
declare class WebSocketStream {
  constructor(url: string);
  readonly opened: Promise<{ readonly readable: ReadableStream; readonly writable: WritableStream }>;
  close(): void;
}

const transports: Readonly<Record<string, () => Transport | Promise<Transport>>> = {
  websocket: () => fromWebSocket(new WebSocket(bridge)),
  websocketstream: () => fromWebSocketStream(new WebSocketStream(bridge)),
  async webtransport() {
    const value = Uint8Array.from(asked.get('hash')?.match(/../g) ?? [], (hex) => Number.parseInt(hex, 16));
    const serverCertificateHashes = [{ algorithm: 'sha-256', value }];
    const session = new WebTransport(`https://127.0.0.1:${asked.get('port')}/`, { serverCertificateHashes });
    await session.ready;
    return await session.createBidirectionalStream();
  },
  async datachannel() {
    const [near, far] = [new RTCPeerConnection(), new RTCPeerConnection()];
    near.onicecandidate = ({ candidate }) => candidate && far.addIceCandidate(candidate);
    far.onicecandidate = ({ candidate }) => candidate && near.addIceCandidate(candidate);
    const channels = [near, far].map((peer) => peer.createDataChannel('tls', { negotiated: true, id: 0 }));
    await near.setLocalDescription();
    await far.setRemoteDescription(near.localDescription ?? { type: 'offer' });
    await far.setLocalDescription();
    await near.setRemoteDescription(far.localDescription ?? { type: 'answer' });
    const [mine, theirs] = channels.map((channel) => fromDataChannel(channel));
    if (mine === undefined || theirs === undefined) throw new Error('no channels');
    serve(theirs);
    return mine;
  },
  messageport() {
    const { port1, port2 } = new MessageChannel();
    serve(fromMessagePort(port2));
    return fromMessagePort(port1);
  },
};

/** Sends back what comes, to whoever has a certificate. */
async function serve(transport: Transport): Promise<void> {
  try {
    const credentials = [await certifiedKey('localhost', ['localhost'])];
    const { readable, writable } = await accept(transport, { credentials, trust, clientCertificate: 'require' });
    await readable.pipeTo(writable);
  } catch (error) {
    showError(error);
  }
}

async function thereAndBack(transport: Transport, credentials: readonly Credential[]): Promise<unknown> {
  const stream = await connect(transport, { serverName: 'localhost', trust, credentials });
  const sent = new Uint8Array(1 << 20);
  for (let at = 0; at < sent.length; at += 65_536) crypto.getRandomValues(sent.subarray(at, at + 65_536));
  const writer = stream.writable.getWriter();
  const writing = writer.write(sent).then(() => writer.close());
  const back = new Uint8Array(await new Response(stream.readable).arrayBuffer());
  await writing;
  await stream.closed;
  const same = back.length === sent.length && back.every((byte, at) => byte === sent[at]);
  return { same, version: stream.negotiated.version, peer: stream.peer?.chain[0]?.subject.commonName };
}

try {
  const transport = transports[asked.get('over') ?? ''];
  if (transport === undefined) throw new Error(`over what? ${Object.keys(transports).join(', ')}`);
  show(await thereAndBack(await transport(), [await certifiedKey('page')]));
} catch (error) {
  showError(error);
}
