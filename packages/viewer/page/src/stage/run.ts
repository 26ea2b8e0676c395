/**
 * Client and server in this page, by the reader's settings: each connection is recorded on both sides, as any other would be.
 *
 * @module
 */

import { webProvider as provider } from '@handfast/crypto/web';
import {
  type ClientConfig,
  type ClientOptions,
  type Connection,
  type ConnectionHandlers,
  clientConfig,
  memoryReplayCache,
  memorySessionCache,
  type NamedGroup,
  namedGroups,
  type ServerConfig,
  type ServerOptions,
  serverConfig,
  type TicketKeys,
  type TraceEvent,
  ticketKeys,
  tls12,
  tls13,
  tlsClient,
  tlsServer,
} from '@handfast/tls';
import { type HandshakeParts, handshakeOf, type Incident, type Recorder, recorder } from '@handfast/viewer';
import { revocation } from '@handfast/x509';
import type { Scene } from '../state.ts';
import { authority, serverName } from './authority.ts';
import type { Settings } from './settings.ts';
import { Clock, carry, type Tampering } from './wire.ts';

const versions = { both: [tls13, tls12], tls13: [tls13], tls12: [tls12] } as const;
const protocols = {
  none: [[], []],
  http: [
    ['h2', 'http/1.1'],
    ['h2', 'http/1.1'],
  ],
  clash: [['h2'], ['smtp']],
} as const;

const request = new TextEncoder().encode(`GET / HTTP/1.1\r\nHost: ${serverName}\r\n\r\n`);
const answer = new TextEncoder().encode('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello');

/** All connections that the settings ask for, in their order. */
export async function run(settings: Settings): Promise<readonly Scene[]> {
  const clock = new Clock();
  const keys = settings.back === 'no' ? undefined : ticketKeys({ provider });
  try {
    const { client, server } = await configs(settings, clock, keys);
    const made: Scene[] = [];
    const count = settings.back === 'no' ? 1 : 2;
    for (let index = 0; index < count; index++) {
      // What was set to happen on the wire happens to the connection that is looked at, which is the last.
      const tampering = index === count - 1 ? tamperingOf(settings) : undefined;
      const early = index > 0 && settings.back === 'early';
      const parts = await connect({ client, server, clock, settings, tampering, early });
      const title = `${index === 0 ? 'First' : 'Second'} connection`;
      made.push({ title, parts, handshake: handshakeOf(parts) });
    }
    return made;
  } finally {
    keys?.dispose();
  }
}

async function configs(
  settings: Settings,
  clock: Clock,
  keys: TicketKeys | undefined,
): Promise<{ readonly client: ClientConfig; readonly server: ServerConfig }> {
  const { trust, server, client } = await authority();
  const { keyShares, clientGroups, serverGroups } = groupsOf(settings);
  const [clientAlpn, serverAlpn] = protocols[settings.alpn];
  const early = settings.back === 'early';
  const own = await client(settings.clientCertificate);
  const clientOptions: ClientOptions = {
    ...{ provider, versions: versions[settings.client], trust, groups: clientGroups, alpnProtocols: clientAlpn },
    ...(keyShares && { keyShares }),
    ...(own && { credentials: [own] }),
    ...{ clock: clock.now, sessions: memorySessionCache(), revocation: revocation({ mode: 'prefer' }) },
    ...(early && { earlyData: 1024 }),
  };
  const serverOptions: ServerOptions = {
    ...{ provider, versions: versions[settings.server], groups: serverGroups, alpnProtocols: serverAlpn },
    ...{ credentials: [await server(settings.certificate)], clock: clock.now },
    ...(settings.clientCertificate !== 'none' && {
      ...{ trust, clientCertificate: 'require' as const },
    }),
    ...(keys && { tickets: { keys, count: 1 } }),
    // It refuses all for its first window, as it cannot know what came before: here nothing did.
    ...(early && { earlyData: { replay: memoryReplayCache({ time: () => new Date(Date.now() - 60_000) }) } }),
  };
  return { client: clientConfig(clientOptions), server: serverConfig(serverOptions) };
}

interface Groups {
  readonly clientGroups: readonly NamedGroup[];
  readonly serverGroups: readonly NamedGroup[];
  readonly keyShares?: readonly NamedGroup[];
}

function groupsOf({ groups }: Settings): Groups {
  const named = (...names: readonly string[]): readonly NamedGroup[] =>
    names.flatMap((name) => namedGroups.find((group) => group.name === name) ?? []);
  const usual = named('X25519MLKEM768', 'x25519', 'secp256r1');
  switch (groups) {
    case 'hybrid':
      return { clientGroups: usual, serverGroups: usual };
    case 'x25519':
      return { clientGroups: named('x25519'), serverGroups: usual };
    case 'p256':
      return { clientGroups: named('secp256r1'), serverGroups: usual };
    case 'retry':
      return {
        clientGroups: named('x25519', 'secp256r1'),
        serverGroups: named('secp256r1'),
        keyShares: named('x25519'),
      };
    case 'none':
      return { clientGroups: named('x25519'), serverGroups: named('secp384r1') };
  }
}

function tamperingOf({ wire, flight, place }: Settings): Tampering | undefined {
  return wire === 'whole' ? undefined : { kind: wire, flight: Number(flight), place: Number(place) };
}

/** A recorder that also knows when its first event was. */
function listening(target: string): Recorder & { readonly first: () => number | undefined } {
  const own = recorder({ target, program: 'handfast viewer' });
  let first: number | undefined;
  const trace = (event: TraceEvent): void => {
    first ??= event.at;
    own.trace(event);
  };
  return { ...own, trace, first: () => first };
}

interface Stage {
  readonly client: ClientConfig;
  readonly server: ServerConfig;
  readonly clock: Clock;
  readonly settings: Settings;
  readonly tampering: Tampering | undefined;
  readonly early: boolean;
}

async function connect({ client, server, clock, settings, tampering, early }: Stage): Promise<HandshakeParts> {
  const target = `${serverName}:443`;
  const ours = listening(target);
  const theirs = listening(target);
  const incidents: Incident[] = [];
  const one = end(clock, ours, (handlers) => tlsClient(client, { serverName }, handlers), {
    established: (connection, { earlyData }) => {
      if (earlyData !== 'accepted') connection.write(request);
    },
    ...(early && { earlyDataReady: (connection) => void connection.writeEarlyData(request) }),
    end: (connection) => connection.closeWrite(),
  });
  const answered = (connection: Connection): void => {
    connection.write(answer);
    connection.closeWrite();
  };
  const other = end(clock, theirs, (handlers) => tlsServer(server, handlers), {
    data: answered,
    earlyData: (connection) => connection.write(answer),
    established: (connection, { earlyData }) => {
      if (earlyData === 'accepted') connection.closeWrite();
    },
  });
  const begin = clock.now();
  one.connection.start();
  other.connection.start();
  await carry(
    { client: one, server: other },
    {
      ...{ clock, delay: Number(settings.distance) / 2, tampering },
      incident: (text) => incidents.push({ at: clock.now() - (ours.first() ?? begin), text }),
    },
  );
  return {
    ...{ client: ours.recording(), server: theirs.recording(), incidents },
    serverOffset: (theirs.first() ?? begin) - (ours.first() ?? begin),
  };
}

interface Conduct {
  readonly established?: (connection: Connection, negotiated: { readonly earlyData?: string | undefined }) => void;
  readonly earlyDataReady?: (connection: Connection) => void;
  readonly data?: (connection: Connection) => void;
  readonly earlyData?: (connection: Connection) => void;
  readonly end?: (connection: Connection) => void;
}

function end(
  clock: Clock,
  { trace, keyLog }: Recorder,
  make: (handlers: ConnectionHandlers) => Connection,
  conduct: Conduct,
): Parameters<typeof carry>[0]['client'] {
  const outbox: { readonly bytes: Uint8Array<ArrayBuffer>; readonly at: number }[] = [];
  const { established, earlyDataReady, data, earlyData, end: ended } = conduct;
  const connection: Connection = make({
    send: (chunks) => outbox.push(...chunks.map((bytes) => ({ bytes, at: clock.now() }))),
    ...{ trace, keyLog, traceDetails: { plaintext: true, wire: true } },
    ...(established && { established: (negotiated) => established(connection, negotiated) }),
    ...(earlyDataReady && { earlyDataReady: () => earlyDataReady(connection) }),
    ...(data && { data: () => data(connection) }),
    ...(earlyData && { earlyData: () => earlyData(connection) }),
    ...(ended && { end: () => ended(connection) }),
  });
  return { connection, outbox };
}
