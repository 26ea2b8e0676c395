/**
 * Who speaks with whom: programs of Node's with Debian's servers, and with each other.
 *
 * @module
 */

/** Whose TLS a program has: Node's own, ours by `--import`, or ours handed to it by an option. */
export type Way = 'node' | 'register' | 'option';

/** A program that is a client, and tells what came of its checks. */
export interface Client {
  /** As it is called in the table, and by `--program`. */
  readonly name: string;
  /** The npm package whose version is told; Node's own where there is none. */
  readonly package?: string;
  /** Its file in `programs/`. */
  readonly file: string;
  readonly given?: Readonly<Record<string, string>>;
  readonly env?: (ca: string) => Readonly<Record<string, string>>;
}

/** A program that is a server until SIGTERM. */
export type ProgramServer = Client;

export interface Job {
  readonly client: Client;
  readonly clientWay: Way;
  /** One of Debian's by name, or a program. */
  readonly server: string | ProgramServer;
  readonly serverWay: Way;
}

const client = (name: string, file = `${name}.mjs`): Client => ({ name, package: name, file });

const web = (library: string, packageName?: string): Client => ({
  name: library,
  ...(packageName && { package: packageName }),
  file: 'web-client.mjs',
  given: { library },
});

const server = (framework: string, packageName?: string): ProgramServer => ({
  name: framework,
  ...(packageName && { package: packageName }),
  file: 'web-server.mjs',
  given: { framework },
});

const fetch: Client = { ...web('fetch'), env: (ca) => ({ NODE_EXTRA_CA_CERTS: ca }) };
const h2load: Client = { name: 'h2load', file: 'h2load' };

const wsClient = client('ws');
const mqtt = client('mqtt');
const nodemailer = client('nodemailer');
const socketIoClient = client('socket.io-client');

const https = server('https');
const http2 = server('http2');
const ws = server('ws', 'ws');
const socketIo = server('socket.io', 'socket.io');
const grpcClient = { ...client('@grpc/grpc-js', 'grpc.mjs'), name: 'grpc-js' };
const grpcServer = { ...grpcClient, file: 'grpc-server.mjs' };
const smtp = { ...client('smtp-server'), given: { password: 'secret' } };

/** Our clients at Debian's servers. */
const databases: readonly Job[] = [
  ...[{ client: client('pg'), server: 'PostgreSQL' }],
  ...[
    { client: client('ioredis'), server: 'Redis' },
    { client: client('redis'), server: 'Redis' },
  ],
  ...[{ client: client('mysql2'), server: 'MariaDB' }],
  ...[{ client: mqtt, server: 'Mosquitto' }],
  ...[{ client: client('amqplib'), server: 'RabbitMQ' }],
].map((pair) => ({ ...pair, clientWay: 'register', serverWay: 'node' }) as const);

/** Clients, and the server that has Node's TLS where they have ours. */
const clients: readonly (readonly [Client, ProgramServer])[] = [
  [web('https'), https],
  [fetch, https],
  [web('undici', 'undici'), https],
  [web('undici through a proxy', 'undici'), https],
  [web('undici through a TLS proxy', 'undici'), https],
  [web('https through a proxy'), https],
  [web('axios', 'axios'), https],
  [web('got', 'got'), https],
  [web('http2'), http2],
  [web('undici http2', 'undici'), http2],
  [web('got http2', 'got'), http2],
  [wsClient, ws],
  [socketIoClient, socketIo],
  [grpcClient, grpcServer],
  [nodemailer, smtp],
];

/** Those that take a TLS connection of one's own. */
const takers: readonly (readonly [Client, string | ProgramServer])[] = [
  [web('https, createConnection'), https],
  [web('undici, connect', 'undici'), https],
  [web('http2, createConnection'), http2],
  [wsClient, ws],
  [nodemailer, smtp],
  [mqtt, 'Mosquitto'],
];

/** Servers, and the client that has Node's TLS where they have ours. */
const servers: readonly (readonly [Client, ProgramServer])[] = [
  [web('https'), https],
  [web('https'), server('express', 'express')],
  [web('https'), server('fastify', 'fastify')],
  [web('http2'), server('fastify http2', 'fastify')],
  [web('https'), server('hono', 'hono')],
  [web('http2'), server('hono http2', 'hono')],
  [web('http2'), http2],
  // The same server, by ALPN.
  [web('https'), http2],
  [wsClient, ws],
  [socketIoClient, socketIo],
  [grpcClient, grpcServer],
  [nodemailer, smtp],
  [h2load, http2],
  [h2load, https],
];

/** Both have ours. */
const both: readonly (readonly [Client, ProgramServer])[] = [
  [web('undici', 'undici'), server('express', 'express')],
  [web('http2'), http2],
  [wsClient, ws],
  [socketIoClient, socketIo],
  [grpcClient, grpcServer],
  [nodemailer, smtp],
];

const pairs = (
  all: readonly (readonly [Client, string | ProgramServer])[],
  clientWay: Way,
  serverWay: Way,
): readonly Job[] => all.map(([one, other]) => ({ client: one, clientWay, server: other, serverWay }));

export const jobs: readonly Job[] = [
  ...databases,
  ...pairs(clients, 'register', 'node'),
  ...pairs(takers, 'option', 'node'),
  ...pairs(servers, 'node', 'register'),
  ...pairs(both, 'register', 'register'),
];

/** The same with Node's TLS everywhere, each pair once. */
export const plainJobs: readonly Job[] = [
  ...databases.map((job) => ({ ...job, clientWay: 'node' }) as const),
  ...pairs([...clients, ...servers], 'node', 'node'),
  ...pairs(takers, 'option', 'node'),
].filter((job, index, all) => all.findIndex((other) => nameOf(other) === nameOf(job)) === index);

/** `pg with PostgreSQL`, and who has which TLS. */
export function nameOf({ client: one, clientWay, server: other, serverWay }: Job): string {
  return `${one.name} (${clientWay}) with ${typeof other === 'string' ? other : other.name} (${serverWay})`;
}
