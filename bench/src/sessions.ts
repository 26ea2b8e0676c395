/**
 * The rows of memory: what a session costs whoever keeps it. Every session is of a real full handshake: ours in memory,
 * engine to engine, Node's over loopback. In TLS 1.3 a server leaves two tickets, as both do by default; in TLS 1.2 one.
 *
 * @module
 */

import type { Bytes } from '@handfast/crypto';
import { nodeProvider } from '@handfast/crypto/node';
import {
  type ClientConfig,
  type Credential,
  cipherSuites,
  clientConfig,
  defaultCipherSuites12,
  memoryKeyRing,
  memorySessionCache,
  memorySessionStore,
  namedGroups,
  type ServerConfig,
  type SessionCache,
  type SessionStore,
  type SessionTickets,
  serverConfig,
  type TlsError,
  ticketKeys,
  tls12,
  tls13,
  tlsClient,
  tlsServer,
  type Version,
} from '@handfast/tls';
import {
  type Certificate,
  type Issuer,
  issueIntermediate,
  issueRoot,
  issueServerCertificate,
  toPem,
  trustStore,
} from '@handfast/x509';
import { bytesEach } from './heap.ts';
import { type NodeIdentity, nodeClientSessions, nodeServerSessions } from './node-sessions.ts';
import type { Contestant, Row } from './rounds.ts';
import { type Setting, tls12 as settingOf12, tls13 as settingOf13 } from './settings.ts';

/** A round's: with eight times as many each takes the same. */
const sessions = 500;

export async function memoryRows(): Promise<readonly Row[]> {
  const house = await makeHouse();
  return [
    clientRow('TLS 1.3', tls13, settingOf13, 2, house),
    clientRow('TLS 1.2', tls12, settingOf12, 1, house),
    storeRow(house),
    ticketRow(house),
    ringRow(),
  ];
}

const row = (name: string, ...contestants: readonly Contestant[]): Row => ({
  ...{ name, unit: 'B', better: 'less', contestants },
});

/** A contestant whose round is one filling, however long it takes. */
function filling(name: string, note: string, fill: () => unknown, count: number = sessions): Contestant {
  return { name, note, round: () => bytesEach(count, fill) };
}

function clientRow(version: string, ours: Version, setting: Setting, perConnection: number, house: House): Row {
  const peers = sessions / perConnection;
  const fill = (credential: House['own']) => async (): Promise<SessionCache> => {
    const cache = memorySessionCache({ most: sessions });
    let kept = 0;
    const counting: SessionCache = {
      ...cache,
      put: (peer, session) => {
        kept++;
        return cache.put(peer, session);
      },
    };
    // What comes with a trust store (certificates that were parsed) goes with it.
    const client = clientOf(ours, setting, house, counting);
    for (let peer = 0; peer < peers; peer++) {
      meet(client, nameOf(peer), serverOf(ours, setting, await credential(peer)));
    }
    if (kept !== sessions) throw new Error(`${kept} sessions were kept, not ${sessions}`);
    return cache;
  };
  return row(
    `${version}: memory of a session that a client keeps`,
    filling('handfast', `each server with a chain of its own, ${house.chainLength} bytes`, fill(house.own)),
    filling(
      'handfast, one chain',
      'the same from all servers: it is there once',
      fill(async () => house.common),
    ),
    filling('node:tls, session in a Map', 'has the leaf in it, and no more of the chain', () =>
      nodeClientSessions(setting, house.ofNode, perConnection, sessions),
    ),
  );
}

function storeRow(house: House): Row {
  return row(
    'TLS 1.2: memory of a session that a server keeps by its identifier',
    filling('handfast', '', () => {
      const store = memorySessionStore({ most: sessions });
      let kept = 0;
      const counting: SessionStore = {
        ...store,
        set: (id, session, lifetimeMs) => {
          kept++;
          return store.set(id, session, lifetimeMs);
        },
      };
      serve(serverOf(tls12, settingOf12, house.common, { store: counting }), clientOf(tls12, settingOf12, house));
      if (kept !== sessions) throw new Error(`${kept} sessions were stored, not ${sessions}`);
      return store;
    }),
    filling('node:tls, newSession in a Map', '', () => nodeServerSessions(settingOf12, house.ofNode, sessions)),
  );
}

function ticketRow(house: House): Row {
  const server = serverOf(tls13, settingOf13, house.common);
  return row(
    'TLS 1.3: memory of a session that a server gave tickets for',
    filling('handfast', 'the client has it all: what is seen is noise', () => {
      let given = 0;
      const away: SessionCache = {
        ...memorySessionCache(),
        take: () => undefined,
        put: () => void given++,
        remove: () => undefined,
      };
      serve(server, clientOf(tls13, settingOf13, house, away));
      if (given !== 2 * sessions) throw new Error(`${given} tickets were given, not ${2 * sessions}`);
    }),
  );
}

function ringRow(): Row {
  const rings = 500;
  const rotateEvery = 3_600_000;
  return row(
    'a ring of ticket keys: previous, current and next',
    filling(
      'handfast',
      'of a whole server',
      () =>
        Array.from({ length: rings }, () => {
          const ring = memoryKeyRing({ provider: nodeProvider, rotateEvery });
          ring.keys(0);
          ring.keys(rotateEvery);
          return ring;
        }),
      rings,
    ),
  );
}

// ---- who meets whom

interface House {
  readonly root: Certificate;
  /** Leaf and intermediate together. */
  readonly chainLength: number;
  /** A server's own leaf, under its own intermediate: made when it is first asked for. */
  readonly own: (peer: number) => Promise<Credential>;
  /** One leaf for all of them. */
  readonly common: Credential;
  /** The same in Node's terms. */
  readonly ofNode: NodeIdentity;
}

const domain = 'bench.example';
const nameOf = (peer: number): string => `server-${peer}.${domain}`;

async function makeHouse(): Promise<House> {
  const hour = 3_600_000;
  const basics = {
    provider: nodeProvider,
    notBefore: new Date(Date.now() - hour),
    notAfter: new Date(Date.now() + 24 * hour),
  };
  // Keys may be the same for all: the certificates are not.
  const keyPair = () => nodeProvider.generateKeyPair('secp256r1');
  const { signer: top } = await keyPair();
  const { signer: middle } = await keyPair();
  const { signer: leaf, pkcs8 } = await keyPair();
  const root = await issueRoot({ ...basics, subject: { commonName: 'Bench Root', country: 'GB' }, signer: top });
  const chain = async (name: string): Promise<Credential> => {
    const intermediate = await issueIntermediate({
      ...basics,
      subject: { commonName: `Bench Issuing CA of ${name}`, organization: 'Handfast Bench', country: 'GB' },
      issuer: { certificate: root, signer: top },
      publicKey: middle.publicKey,
    });
    const issuer: Issuer = { certificate: intermediate, signer: middle };
    const certificate = await issueServerCertificate({
      ...{ ...basics, issuer, subject: { commonName: name }, publicKey: leaf.publicKey, names: [name] },
    });
    return { chain: [certificate, intermediate], signer: leaf };
  };
  const all = new Map<number, Promise<Credential>>();
  const common = await chain(`*.${domain}`);
  return {
    root,
    chainLength: common.chain.reduce((sum, { raw }) => sum + raw.length, 0),
    own(peer) {
      const made = all.get(peer) ?? chain(nameOf(peer));
      all.set(peer, made);
      return made;
    },
    common,
    ofNode: {
      ca: toPem('CERTIFICATE', root.raw),
      cert: common.chain.map(({ raw }) => toPem('CERTIFICATE', raw)).join(''),
      key: toPem('PRIVATE KEY', pkcs8),
      servername: nameOf(0),
    },
  };
}

const groups = namedGroups.filter(({ name }) => name === 'x25519' || name === 'secp256r1');
const suitesOf = ({ suite }: Setting) =>
  [...cipherSuites, ...defaultCipherSuites12].filter(({ name }) => name === suite);

function clientOf(version: Version, setting: Setting, { root }: House, cache?: SessionCache): ClientConfig {
  return clientConfig({
    provider: nodeProvider,
    versions: [version],
    groups,
    cipherSuites: suitesOf(setting),
    trust: trustStore([root]),
    ...(cache && { sessions: cache }),
  });
}

function serverOf(
  version: Version,
  setting: Setting,
  credential: Credential,
  tickets: Partial<SessionTickets> = {},
): ServerConfig {
  return serverConfig({
    provider: nodeProvider,
    versions: [version],
    groups,
    cipherSuites: suitesOf(setting),
    credentials: [credential],
    tickets: { keys: ticketKeys({ provider: nodeProvider }), ...tickets },
  });
}

/** Clients come to a server, one after the other; each name is met once, so that nobody resumes. */
function serve(server: ServerConfig, client: ClientConfig): void {
  for (let peer = 0; peer < sessions; peer++) meet(client, nameOf(peer), server);
}

/** A whole handshake, and what follows it. */
function meet(client: ClientConfig, serverName: string, server: ServerConfig): void {
  const toServer: Bytes[] = [];
  const toClient: Bytes[] = [];
  let established = 0;
  let failure: TlsError | undefined;
  const handlers = (out: Bytes[]) => ({
    send: (chunks: readonly Bytes[]) => void out.push(...chunks),
    established: () => void established++,
    closed: (error: TlsError | undefined) => {
      failure ??= error;
    },
  });
  const ours = tlsClient(client, { serverName, sessionKey: `${serverName}:443` }, handlers(toServer));
  const theirs = tlsServer(server, handlers(toClient));
  theirs.start();
  ours.start();
  while (toServer.length + toClient.length > 0) {
    for (const bytes of toServer.splice(0)) theirs.receive(bytes);
    for (const bytes of toClient.splice(0)) ours.receive(bytes);
  }
  if (failure !== undefined) throw failure;
  // The provider is synchronous: nothing is still to come.
  if (established !== 2) throw new Error('the handshake did not end');
}
