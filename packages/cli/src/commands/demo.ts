/**
 * `handfast demo`: a CA, a server and a client in one process hold a verified conversation over loopback, drawn as it
 * happens; then the same client meets servers that it must refuse. Everything that is claimed is checked, each check has
 * a name, and the exit code is theirs.
 *
 * @module
 */

import { once } from 'node:events';
import { performance } from 'node:perf_hooks';
import { type AlertName, type Credential, TlsError, type TlsErrorCode, type TraceEvent } from '@handfast/tls';
import { connect, createServer, type Server, type TLSSocket, type TlsServerOptions } from '@handfast/tls/node';
import { groupNote } from '@handfast/viewer';
import { type CertificateErrorCode, trustStore } from '@handfast/x509';
import { dayMs, issueClient, issueServer, makeAuthority } from '../authority.ts';
import { type Cast, Checks, JsonStage, type Stage, TextStage } from '../demo-stage.ts';
import { type ExitCode, exitCodes } from '../exit.ts';
import { certificateErrorOf } from '../explain.ts';
import { colorsFor, type Io } from '../io.ts';
import { nameOf } from '../transcript.ts';

export interface DemoOptions {
  readonly json: boolean;
  readonly color: boolean;
}

const serverName = 'demo.handfast.example';
const otherName = 'elsewhere.example';
const clientName = 'alice';
const exporterLabel = 'EXPORTER-handfast-demo';

const greeting = 'Good day! Is this line private?';
const reply = 'It is: by keys that nobody else can know.';
const farewell = 'Your side is closed, mine is not yet: goodbye!';
const bulkLength = 100_000;

/** The whole demo may take so long: it is a matter of milliseconds. */
const patienceMs = 20_000;

export async function demo(io: Io, options: DemoOptions): Promise<ExitCode> {
  const started = performance.now();
  const stage = options.json ? new JsonStage(io) : new TextStage(io, colorsFor(io.stdout, io.env, options.color));
  const checks = new Checks(stage);
  const patience = AbortSignal.any([AbortSignal.timeout(patienceMs), io.interrupted]);

  const cast = await makeCast();
  stage.cast(cast, performance.now() - started);
  await checks.during('the conversation comes to its end', () => conversation(cast, stage, checks, patience));
  for (const imposture of await impostures(cast)) {
    await checks.during('a refusal comes to its end', () => refusal(cast, imposture, stage, checks, patience));
  }
  stage.result(checks, performance.now() - started);
  return checks.failed === 0 ? exitCodes.ok : exitCodes.failed;
}

// ---- who plays

async function makeCast(): Promise<Cast> {
  const now = new Date();
  const validity = { from: now, days: 1 };
  // Old enough to have signed what has expired since.
  const authority = await makeAuthority('Handfast demo CA', { from: new Date(now.getTime() - 30 * dayMs), days: 60 });
  const { issuer } = authority;
  return {
    authority,
    trust: trustStore([issuer.certificate]),
    server: await issueServer(issuer, [serverName], validity),
    client: await issueClient(issuer, clientName, validity),
  };
}

// ---- first scene: all is well

async function conversation(cast: Cast, stage: Stage, checks: Checks, patience: AbortSignal): Promise<void> {
  const { trust } = cast;
  const said = {
    client: [`“${greeting}”`, `${bulkLength.toLocaleString('en-US')} random-looking bytes, under the new keys`],
    server: [`“${reply}”`, 'the same bytes back', `“${farewell}”`],
  };
  const scene = stage.scene('A conversation', said);
  const clientTrace: TraceEvent[] = [];
  const serverTrace: TraceEvent[] = [];
  const sockets: TLSSocket[] = [];
  const server = await listen({
    credentials: [cast.server],
    trust,
    requestCert: true,
    ALPNProtocols: ['demo/2', 'demo/1'],
    allowHalfOpen: true,
    trace: (event) => {
      serverTrace.push(event);
      if (event.type === 'certificate' && event.peer.path !== undefined) {
        scene.remark('✓', `verified by the server: ${event.peer.path.path.map(nameOf).join(', signed by ')}`);
      }
    },
  });
  try {
    const accepted = acceptOne(server);
    const client = connect({
      host: '127.0.0.1',
      port: portOf(server),
      servername: serverName,
      trust,
      credentials: [cast.client],
      ALPNProtocols: ['demo/1', 'demo/2'],
      allowHalfOpen: true,
      trace: (event) => {
        clientTrace.push(event);
        scene.event(event);
      },
    });
    sockets.push(client);
    const clientClosed = closing(client);
    await once(client, 'secureConnect', { signal: patience });
    const served = await within(patience, accepted);
    sockets.push(served);
    const serverClosed = closing(served);

    const atServer = new Inbox(served);
    const atClient = new Inbox(client);
    const exported = [client, served].map((side) =>
      side.exportKeyingMaterial(32, exporterLabel, Buffer.from(serverName)),
    );

    // A word each way
    client.write(greeting);
    const heardByServer = await atServer.take(greeting.length, patience);
    served.write(reply);
    const heardByClient = await atClient.take(reply.length, patience);

    // New keys for both, and more data under them
    const bulk = Buffer.from(Uint8Array.from({ length: bulkLength }, (_, index) => (index * index) >> 3));
    client.updateKeys({ requestPeer: true });
    client.write(bulk);
    const bulkAtServer = await atServer.take(bulkLength, patience);
    served.write(bulkAtServer);
    const bulkAtClient = await atClient.take(bulkLength, patience);

    // The client has said all; the server may still speak
    client.end();
    const endAtServer = await atServer.ended(patience);
    served.end(farewell);
    const farewellAtClient = await atClient.take(farewell.length, patience);
    const endAtClient = await atClient.ended(patience);
    await within(patience, Promise.all([clientClosed, serverClosed]));

    const ours = client.negotiated;
    const theirs = served.negotiated;
    checks.check('version', 'both sides speak TLS 1.3', ours?.version === 'TLS 1.3' && theirs?.version === 'TLS 1.3');
    checks.check(
      'cipher_suite',
      `both sides chose ${ours?.cipherSuite.name}`,
      ours !== undefined && ours.cipherSuite === theirs?.cipherSuite,
    );
    const group = ours?.group?.name ?? 'no group';
    checks.check(
      'key_exchange',
      `both sides chose ${group}: ${groupNote(group)}`,
      ours !== undefined &&
        ours.group === theirs?.group &&
        ours.group?.id === firstGroup(clientTrace) &&
        !ours.helloRetryRequest,
    );
    checks.check(
      'alpn',
      'both sides chose demo/2, the server’s favourite',
      client.alpnProtocol === 'demo/2' && served.alpnProtocol === 'demo/2',
    );
    checks.check('server_name', `the server was asked for ${serverName}`, served.servername === serverName);
    checks.check(
      'server_verified',
      'the client verified the server: name, dates, purpose, signatures up to our CA',
      client.authorized &&
        ours?.peer?.path?.anchor === cast.authority.issuer.certificate &&
        sameLeaf(ours.peer.chain, cast.server),
    );
    checks.check(
      'client_verified',
      'the server verified the client likewise',
      served.authorized &&
        theirs?.peer?.path?.anchor === cast.authority.issuer.certificate &&
        sameLeaf(theirs.peer.chain, cast.client),
    );
    checks.check(
      'exporter',
      'both sides export the same keying material',
      exported[0] !== undefined && exported[1]?.equals(exported[0]) === true,
    );
    checks.check(
      'data',
      'every byte arrived as it was sent, both ways',
      heardByServer.equals(Buffer.from(greeting)) &&
        heardByClient.equals(Buffer.from(reply)) &&
        bulkAtServer.equals(bulk) &&
        bulkAtClient.equals(bulk),
    );
    checks.check(
      'key_update',
      'both sides changed keys once, and went on',
      updatedBothWays(clientTrace) && updatedBothWays(serverTrace),
    );
    checks.check(
      'encrypted',
      'after the hellos every record was encrypted',
      onlyHellosInPlain(clientTrace) && onlyHellosInPlain(serverTrace),
    );
    checks.check(
      'half_close',
      'the server could speak after the client had closed its side',
      endAtServer && farewellAtClient.equals(Buffer.from(farewell)),
    );
    checks.check(
      'clean_close',
      'both sides closed with close_notify',
      endAtClient &&
        (await clientClosed) === undefined &&
        (await serverClosed) === undefined &&
        closedCleanly(clientTrace) &&
        closedCleanly(serverTrace),
    );
  } finally {
    scene.end();
    for (const socket of sockets) socket.destroy();
    server.close();
  }
}

// ---- the other scenes: who must be refused

/** A server that is not to be trusted, and how that must come out. */
interface Imposture {
  /** Begins the names of its checks. */
  readonly kind: string;
  readonly title: string;
  readonly why: string;
  readonly credential: Credential;
  readonly code: TlsErrorCode;
  readonly certificateCode: CertificateErrorCode;
  readonly alert: AlertName;
}

async function impostures({ authority: { issuer } }: Cast): Promise<readonly Imposture[]> {
  const now = new Date();
  const today = { from: now, days: 1 };
  const lastWeek = { from: new Date(now.getTime() - 10 * dayMs), days: 7 };
  const stranger = await makeAuthority('Somebody else’s CA', today);
  return [
    {
      kind: 'other_name',
      title: `The same client, and a server whose certificate is for ${otherName}`,
      why: 'its certificate is for another name',
      credential: await issueServer(issuer, [otherName], today),
      code: 'certificate_name_mismatch',
      certificateCode: 'name_mismatch',
      alert: 'bad_certificate',
    },
    {
      kind: 'expired',
      title: 'A server whose certificate has expired',
      why: 'its certificate has expired',
      credential: await issueServer(issuer, [serverName], lastWeek),
      code: 'certificate_expired',
      certificateCode: 'expired',
      alert: 'certificate_expired',
    },
    {
      kind: 'unknown_issuer',
      title: 'A server whose certificate somebody else’s CA has signed',
      why: 'its CA is nobody whom the client trusts',
      credential: await issueServer(stranger.issuer, [serverName], today),
      code: 'certificate_unknown_issuer',
      certificateCode: 'unknown_issuer',
      alert: 'unknown_ca',
    },
  ];
}

async function refusal(
  cast: Cast,
  imposture: Imposture,
  stage: Stage,
  checks: Checks,
  patience: AbortSignal,
): Promise<void> {
  const { kind, title, why, credential, code, certificateCode, alert } = imposture;
  const scene = stage.scene(title);
  const serverTrace: TraceEvent[] = [];
  const server = await listen({
    credentials: [credential],
    trust: cast.trust,
    trace: (event) => serverTrace.push(event),
  });
  try {
    const told = new Promise<Error>((resolve) => server.once('tlsClientError', resolve));
    const client = connect({
      host: '127.0.0.1',
      port: portOf(server),
      servername: serverName,
      trust: cast.trust,
      credentials: [cast.client],
      trace: (event) => scene.event(event),
    });
    // What is written waits for a verified server: here, for ever.
    client.write('my secret');
    const outcome = new Promise<unknown>((resolve) => {
      client.once('error', resolve);
      client.once('secureConnect', () => resolve(undefined));
    });
    const error = await within(patience, outcome);
    client.destroy();
    const heard = await within(patience, told);
    scene.end();
    if (error !== undefined) stage.refused(error);
    const refused =
      error instanceof TlsError &&
      error.tlsCode === code &&
      error.origin === 'local' &&
      certificateErrorOf(error)?.code === certificateCode;
    const wasTold =
      heard instanceof TlsError && heard.tlsCode === 'peer_alert' && heard.alert === alert && heard.origin === 'peer';
    const leaked = serverTrace.some(
      (event) => event.type === 'record' && event.direction === 'in' && event.contentType === 23,
    );
    checks.check(`${kind}_refused`, `a server was refused: ${why}`, refused);
    checks.check(`${kind}_told`, `it was told so by ${alert}, and got no byte of the client’s`, wasTold && !leaked);
  } finally {
    scene.end();
    server.close();
  }
}

// ---- checks on traces

function updatedBothWays(trace: readonly TraceEvent[]): boolean {
  return generationsOf(trace, 'in').at(-1) === 1 && generationsOf(trace, 'out').at(-1) === 1;
}

function generationsOf(trace: readonly TraceEvent[], direction: 'in' | 'out'): readonly number[] {
  return trace.flatMap((event) =>
    event.type === 'key' && event.direction === direction && event.level === 'application' ? [event.generation] : [],
  );
}

/** What the client likes best. */
function firstGroup(trace: readonly TraceEvent[]): number | undefined {
  const hello = trace.find((event) => event.type === 'message')?.message;
  return hello?.type === 'client_hello' ? hello.extensions.supported_groups?.[0] : undefined;
}

/** Records of plaintext: ClientHello, ServerHello, and the ChangeCipherSpec that middleboxes like to see. */
function onlyHellosInPlain(trace: readonly TraceEvent[]): boolean {
  const plain = trace.flatMap((event) => (event.type === 'record' && !event.protected ? [event.contentType] : []));
  return plain.filter((type) => type === 22).length === 2 && plain.every((type) => type === 22 || type === 20);
}

function closedCleanly(trace: readonly TraceEvent[]): boolean {
  const notified = (direction: 'in' | 'out'): boolean =>
    trace.some((event) => event.type === 'alert' && event.direction === direction && event.alert === 'close_notify');
  const last = trace.at(-1);
  return notified('in') && notified('out') && last?.type === 'closed' && last.error === undefined;
}

function sameLeaf(chain: readonly { readonly raw: Uint8Array }[], credential: Credential): boolean {
  const [theirs] = chain;
  const [ours] = credential.chain;
  return theirs !== undefined && ours !== undefined && Buffer.from(ours.raw).equals(theirs.raw);
}

// ---- sockets

async function listen(options: TlsServerOptions): Promise<Server> {
  const server = createServer(options);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('the server does not listen at a port');
  return address.port;
}

function acceptOne(server: Server): Promise<TLSSocket> {
  const accepted = new Promise<TLSSocket>((resolve, reject) => {
    server.once('secureConnection', resolve);
    server.once('tlsClientError', reject);
  });
  // The client's own failure may be told first, and then nobody asks for this one.
  accepted.catch(() => undefined);
  return accepted;
}

/** How a socket ended: undefined is well. */
function closing(socket: TLSSocket): Promise<Error | undefined> {
  return new Promise((resolve) => {
    socket.once('error', resolve);
    socket.once('close', () => resolve(undefined));
  });
}

/** A promise's value, unless patience ends first. */
async function within<T>(patience: AbortSignal, promise: Promise<T>): Promise<T> {
  let stop = (): void => undefined;
  const over = new Promise<never>((_, reject) => {
    stop = () => reject(patience.reason);
    if (patience.aborted) stop();
    patience.addEventListener('abort', stop);
  });
  try {
    return await Promise.race([promise, over]);
  } finally {
    patience.removeEventListener('abort', stop);
  }
}

/** What has arrived at a socket, to be taken by length. */
class Inbox {
  #bytes: Buffer = Buffer.alloc(0);
  #ended = false;
  #failure: Error | undefined;
  #wake: () => void = () => {};

  constructor(socket: TLSSocket) {
    socket.on('data', (chunk: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      this.#wake();
    });
    socket.on('end', () => {
      this.#ended = true;
      this.#wake();
    });
    socket.on('error', (error) => {
      this.#failure = error;
      this.#wake();
    });
  }

  async take(length: number, patience: AbortSignal): Promise<Buffer> {
    await this.#until(() => this.#bytes.length >= length || this.#ended, patience);
    const taken = this.#bytes.subarray(0, length);
    this.#bytes = this.#bytes.subarray(length);
    return taken;
  }

  /** Whether the end comes with nothing more before it. */
  async ended(patience: AbortSignal): Promise<boolean> {
    await this.#until(() => this.#bytes.length > 0 || this.#ended, patience);
    return this.#bytes.length === 0;
  }

  async #until(condition: () => boolean, patience: AbortSignal): Promise<void> {
    while (!condition()) {
      if (this.#failure !== undefined) throw this.#failure;
      const woken = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      await within(patience, woken);
    }
  }
}
