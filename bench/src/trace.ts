/**
 * The row of the trace: full handshakes in memory, engine to engine, with nobody listening, with a listener that does nothing, with
 * one that asked for every detail, and as `@handfast/tls/register` has them while no `handfast view` is open. Without a listener nothing
 * is built: it must never be the slower way.
 *
 * @module
 */

import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bytes } from '@handfast/crypto';
import { nodeProvider } from '@handfast/crypto/node';
import {
  type ClientConfig,
  type CommonOptions,
  type Connection,
  clientConfig,
  namedGroups,
  type ServerConfig,
  serverConfig,
  tls13,
  tlsClient,
  tlsServer,
} from '@handfast/tls';
import { heardBy, type Streamer, streamer } from '@handfast/tls/live';
import { issueRoot, issueServerCertificate, trustStore } from '@handfast/x509';
import { serverName } from './identity.ts';
import type { Contestant, Row } from './rounds.ts';

type Tracing = Pick<CommonOptions, 'trace' | 'traceDetails'>;
type Configs = (tracing: Tracing) => { readonly client: ClientConfig; readonly server: ServerConfig };

export async function traceRows(): Promise<readonly Row[]> {
  const configs = await makeConfigs();
  const trace = (): void => undefined;
  const contestant = (name: string, tracing: Tracing, watch: Streamer['watch'] = () => undefined): Contestant => {
    const { client, server } = configs(tracing);
    return { name, round: (milliseconds) => rate(() => handshake(client, server, watch), milliseconds) };
  };
  // A viewer of whoever measures must not look.
  const { watch } = streamer({ env: { HANDFAST_VIEW_SOCKET: join(tmpdir(), 'handfast-bench-nobody.sock') } });
  return [
    {
      name: 'TLS 1.3: full handshakes in memory, nobody listening to their trace',
      unit: '/s',
      better: 'more',
      contestants: [
        contestant('handfast', {}),
        contestant('with a listener on both sides', { trace }),
        contestant('with listeners to every detail', { trace, traceDetails: { wire: true, plaintext: true } }),
        contestant('where handfast view would be shown it, and is not open', {}, watch),
      ],
      reach: 1,
    },
  ];
}

async function makeConfigs(): Promise<Configs> {
  const provider = nodeProvider;
  const [root, own] = [await provider.generateKeyPair('secp256r1'), await provider.generateKeyPair('secp256r1')];
  const now = Date.now();
  const life = { notBefore: new Date(now - 3_600_000), notAfter: new Date(now + 86_400_000) };
  const certificate = await issueRoot({ provider, subject: { commonName: 'Bench CA' }, signer: root.signer, ...life });
  const leaf = await issueServerCertificate({
    ...{ provider, subject: { commonName: serverName }, names: [serverName], publicKey: own.signer.publicKey },
    issuer: { certificate, signer: root.signer },
    ...life,
  });
  const groups = namedGroups.filter(({ name }) => name === 'x25519');
  return (tracing) => ({
    client: clientConfig({ provider, versions: [tls13], groups, trust: trustStore([certificate]), ...tracing }),
    server: serverConfig({
      ...{ provider, versions: [tls13], groups, credentials: [{ chain: [leaf], signer: own.signer }] },
      ...tracing,
    }),
  });
}

/** How many a second. */
function rate(work: () => void, milliseconds: number): number {
  const start = performance.now();
  let count = 0;
  for (; performance.now() - start < milliseconds; count++) work();
  return (count * 1000) / (performance.now() - start);
}

/** A full handshake: the provider answers at once, and so each flight does. */
function handshake(clientSide: ClientConfig, serverSide: ServerConfig, watch: Streamer['watch']): void {
  const flights: [Connection, readonly Bytes[]][] = [];
  const server: Connection = tlsServer(serverSide, {
    ...heardBy(watch(undefined), {}),
    send: (chunks) => flights.push([client, chunks]),
  });
  const client: Connection = tlsClient(
    clientSide,
    { serverName },
    { ...heardBy(watch(`${serverName}:443`), {}), send: (chunks) => flights.push([server, chunks]) },
  );
  server.start();
  client.start();
  for (let flight = flights.shift(); flight !== undefined; flight = flights.shift()) {
    for (const bytes of flight[1]) flight[0].receive(bytes);
  }
  if (client.phase !== 'connected' || server.phase !== 'connected') throw new Error('the handshake was not done');
  client.abort();
  server.abort();
}
