/**
 * A gRPC server without a .proto: its messages are text. It wants a client's certificate at its second port.
 */
import grpc from '@grpc/grpc-js';
import { service } from './grpc-service.mjs';
import { pem, tell } from './harness.mjs';

const pair = [{ private_key: Buffer.from(pem.key), cert_chain: Buffer.from(pem.cert) }];
const methods = {
  echo: (call, answer) => answer(null, call.request),
  who: (call, answer) => answer(null, call.getAuthContext().sslPeerCertificate?.subject.CN ?? 'nobody'),
  count(call) {
    for (let index = 0; index < Number(call.request); index += 1) call.write(String(index));
    call.end();
  },
  chat(call) {
    call.on('data', (text) => call.write(text));
    call.on('end', () => call.end());
  },
};

const servers = [false, true].map((wantsCertificate) => {
  const server = new grpc.Server({ 'grpc.max_receive_message_length': 4 << 20 });
  server.addService(service, methods);
  return { server, credentials: grpc.ServerCredentials.createSsl(Buffer.from(pem.ca), pair, wantsCertificate) };
});
const [port, portWithCertificate] = await Promise.all(
  servers.map(
    ({ server, credentials }) =>
      new Promise((resolve, reject) => {
        server.bindAsync('127.0.0.1:0', credentials, (error, bound) => (error ? reject(error) : resolve(bound)));
      }),
  ),
);
tell({ port, portWithCertificate });
process.once('SIGTERM', () => {
  for (const { server } of servers) server.forceShutdown();
});
