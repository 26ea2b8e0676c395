/**
 * `handfast connect`: stdin and stdout are the conversation, stderr tells about it.
 *
 * @module
 */

import type { Socket } from 'node:net';
import { nodeProvider } from '@handfast/crypto/node';
import { clientConfig, type Negotiated, quote, type TraceEvent } from '@handfast/tls';
import { heardBy, streamer } from '@handfast/tls/live';
import {
  connect,
  createSecureContext,
  type TLSSocket,
  type ConnectOptions as TlsConnectOptions,
} from '@handfast/tls/node';
import { groupNote } from '@handfast/viewer';
import { CertificateError, describeCertificate, parseCertificate, toPem } from '@handfast/x509';
import { dial, isAddress, parseProxy } from '../dial.ts';
import { CliError, type ExitCode, exitCodeOf, exitCodes, usageError } from '../exit.ts';
import { credentialFiles, openKeyLog, systemTrust, trustFile } from '../identity.ts';
import type { Io } from '../io.ts';
import { line } from '../lines/line.ts';
import { keyExchangeName } from '../names.ts';
import { negotiation, warnOfLegacy } from '../negotiation.ts';
import { formatHostPort, type HostPort, parseHostPort, parseList, parseSeconds } from '../options.ts';
import type { ReachOptions } from '../reach.ts';
import { type RecordFile, type RecordOptions, recordFile } from '../record.ts';
import { Report, type ReportOptions, type TraceOptions } from '../report.ts';
import { dialogues, startTls } from '../starttls/index.ts';
import { negotiatedJson } from '../trace-json.ts';
import { nameOf } from '../transcript.ts';

/** As commander gives them. */
export interface ConnectOptions extends ReachOptions, ReportOptions, TraceOptions, RecordOptions {
  readonly insecure?: boolean;
  readonly ignoreEof?: boolean;
  readonly keylog?: string;
  readonly showcerts?: boolean;
}

export async function connectCommand(text: string, options: ConnectOptions, io: Io): Promise<ExitCode> {
  const report = new Report(io, options);
  const plan = await makePlan(text, options);
  const record = recordFile(options, formatHostPort(plan.target));
  const keyLog = openKeyLog(options.keylog, io, report);
  let exitCode: ExitCode = exitCodes.ok;
  // The first says how it ends.
  const failed = (error: unknown): void => {
    report.error(error);
    if (exitCode === exitCodes.ok) exitCode = exitCodeOf(error);
  };
  try {
    const transport = await open(plan, io.interrupted);
    await converse(transport, plan, options, io, report, { keyLog: keyLog?.listener, record });
  } catch (error) {
    failed(error);
  }
  try {
    record?.write();
  } catch (error) {
    failed(error);
  }
  keyLog?.close();
  return exitCode;
}

/** Everything that can be wrong with the options is found before anything is sent. */
interface Plan {
  readonly target: HostPort;
  /** Where the connection really goes. */
  readonly via: HostPort;
  readonly serverName: string;
  readonly family: 4 | 6 | undefined;
  readonly proxy: ReturnType<typeof parseProxy> | undefined;
  readonly dialogue: Parameters<typeof startTls>[0] | undefined;
  readonly timeoutMs: number;
  readonly tls: TlsConnectOptions;
}

async function makePlan(text: string, options: ConnectOptions): Promise<Plan> {
  const dialogue = options.starttls === undefined ? undefined : dialogues.get(options.starttls);
  const target = parseHostPort(text, dialogue?.defaultPort ?? 443);
  const timeoutMs = parseSeconds(options.timeout);
  const { rows, renegotiation } = await negotiation(options);
  const credential = await credentialFiles(options.cert, options.key, rows.provider?.legacy);
  const secureContext = createSecureContext({
    ...rows,
    trust: options.ca === undefined ? systemTrust() : trustFile('--ca', options.ca),
    ...(credential === undefined ? {} : { credentials: [credential] }),
  });
  const alpnProtocols = options.alpn === undefined ? [] : parseList(options.alpn);
  clientConfig({ ...secureContext.options, alpnProtocols });
  const serverName = options.servername ?? target.host;
  if (serverName === '')
    throw usageError('--servername is empty', 'an address as the host is verified as one, and never sent');
  return {
    target,
    via: options.connectTo === undefined ? target : parseHostPort(options.connectTo, target.port),
    serverName,
    family: options.ipv4 ? 4 : options.ipv6 ? 6 : undefined,
    proxy: options.proxy === undefined ? undefined : parseProxy(options.proxy),
    dialogue,
    timeoutMs,
    tls: {
      host: target.host,
      servername: serverName,
      secureContext,
      handshakeTimeout: timeoutMs,
      rejectUnauthorized: options.insecure !== true,
      ALPNProtocols: alpnProtocols,
      ...(renegotiation && { renegotiation }),
    },
  };
}

/** A transport on which TLS may begin. */
async function open(plan: Plan, interrupted: AbortSignal): Promise<Socket> {
  const { via, timeoutMs, family, proxy, dialogue, serverName } = plan;
  const where = formatHostPort(via);
  const patience = new AbortController();
  const timeUp = (): void => {
    const what = dialogue === undefined ? 'no connection to' : 'no connection to, or no STARTTLS from,';
    patience.abort(
      new CliError(exitCodes.cannotConnect, `${what} ${where} within ${timeoutMs / 1000} s`, {
        hint: 'nobody answers: a firewall drops packets, or the machine is off; --timeout gives it longer',
      }),
    );
  };
  const interrupt = (): void => patience.abort(interruptedError());
  const timer = setTimeout(timeUp, timeoutMs);
  interrupted.addEventListener('abort', interrupt);
  if (interrupted.aborted) interrupt();
  try {
    const socket = await dial({ target: via, family, proxy, signal: patience.signal });
    if (dialogue === undefined) return socket;
    try {
      await startTls(dialogue, socket, via, isAddress(serverName) ? via.host : serverName, patience.signal);
      return socket;
    } catch (error) {
      socket.destroy();
      throw error;
    }
  } finally {
    clearTimeout(timer);
    interrupted.removeEventListener('abort', interrupt);
  }
}

/** Where what happens is kept. */
interface Keeping {
  readonly keyLog: ((line: string) => void) | undefined;
  readonly record: RecordFile | undefined;
}

/** From ClientHello to the end of both sides. */
async function converse(
  transport: Socket,
  plan: Plan,
  options: ConnectOptions,
  io: Io,
  report: Report,
  { keyLog, record }: Keeping,
): Promise<void> {
  const listeners = [
    ...(options.trace || options.explain ? [report.tracer(options)] : []),
    ...(options.showcerts ? [certificatePrinter(report)] : []),
  ];
  const viewer = streamer({ env: io.env, program: 'handfast connect' });
  warnOfLegacy(options, report);
  if (options.insecure) {
    report.warning('--insecure: the server’s certificate is not verified; anybody may be listening');
  }
  const heard = heardBy(viewer.watch(formatHostPort(plan.target)), {
    ...(keyLog && { keyLog }),
    ...(listeners.length > 0 && {
      trace: (event: TraceEvent) => {
        for (const listener of listeners) listener(event);
      },
    }),
  });
  const socket = start({
    ...plan.tls,
    ...{ socket: transport, allowHalfOpen: false },
    ...(record?.beside(heard) ?? heard),
  });
  await new Promise<void>((resolve, reject) => {
    let cutShort = false;
    const interrupt = (): void => {
      cutShort = true;
      // close_notify is on its way before the socket goes.
      if (socket.negotiated !== undefined) socket.end();
      socket.destroy(interruptedError());
    };
    // Nobody reads what the server says any more (`… | head`).
    const leave = (): void => {
      cutShort = true;
      socket.end();
      socket.destroy();
    };
    const done = (): void => {
      io.interrupted.removeEventListener('abort', interrupt);
      io.stdout.off('error', leave);
      io.stdin.unpipe(socket);
      io.stdin.pause();
    };
    socket.once('secureConnect', () => {
      if (socket.negotiated !== undefined) {
        const { host, port } = plan.target;
        const address = transport.remoteAddress ?? null;
        const fields = { host, port, address, authorized: socket.authorized, ...negotiatedJson(socket.negotiated) };
        report.news(summary(socket, plan, report), ...line('connected', fields));
      }
      io.stdin.pipe(socket, { end: options.ignoreEof !== true });
      socket.pipe(io.stdout, { end: false });
    });
    socket.once('error', (error) => {
      cutShort = true;
      done();
      reject(error);
    });
    socket.once('close', () => {
      done();
      if (!cutShort && socket.negotiated !== undefined) report.data(...line('ended', {}));
      resolve();
    });
    io.stdout.once('error', leave);
    io.interrupted.addEventListener('abort', interrupt);
    if (io.interrupted.aborted) interrupt();
  });
}

/** A config that cannot work leaves no open transport behind. */
function start(options: TlsConnectOptions & { readonly socket: Socket }): TLSSocket {
  try {
    return connect(options);
  } catch (error) {
    options.socket.destroy();
    throw error;
  }
}

function interruptedError(): CliError {
  return new CliError(exitCodes.interrupted, 'interrupted');
}

/** `connected to example.com:443 (192.0.2.1): TLS 1.3, …; verified as …` */
function summary(socket: TLSSocket, { target, serverName }: Plan, { colors }: Report): string {
  const { negotiated } = socket;
  if (negotiated === undefined) return '';
  const { green, red, bold } = colors;
  const { group } = negotiated;
  const parts = [
    negotiated.version,
    negotiated.cipherSuite.name,
    `${keyExchangeName(group)}${group?.postQuantum ? ` (${groupNote(group.name)})` : ''}`,
    ...(negotiated.alpnProtocol === undefined ? [] : [`ALPN ${quote(negotiated.alpnProtocol)}`]),
  ];
  const verdict = socket.authorized
    ? green(`${serverName} verified, ${issuerText(negotiated)}`)
    : red(`NOT VERIFIED: ${negotiated.peer?.error?.message ?? 'no certificate'}`);
  return `${bold(`connected to ${formatHostPort(target)}`)}: ${parts.join(', ')}; ${verdict}`;
}

function issuerText({ peer }: Negotiated): string {
  const [leaf, issuer] = peer?.path?.path ?? [];
  if (leaf === undefined) return 'by no path';
  const until = `until ${leaf.notAfter.toISOString().slice(0, 10)}`;
  return issuer === undefined ? `trusted itself, ${until}` : `signed by ${nameOf(issuer)}, ${until}`;
}

/** `--showcerts`: as they came, also where they are then refused. */
function certificatePrinter(report: Report): (event: TraceEvent) => void {
  return (event) => {
    if (event.type !== 'message' || event.direction !== 'in') return;
    const { message } = event;
    if (message.type !== 'certificate' && message.type !== 'certificate_12') return;
    for (const [index, der] of message.chain.entries()) {
      const pem = toPem('CERTIFICATE', der);
      report.important(`# ${index}\n${describeDer(der)}\n${pem.trimEnd()}`, ...line('peerCertificate', { index, pem }));
    }
  };
}

function describeDer(der: Uint8Array): string {
  try {
    return describeCertificate(parseCertificate(der), nodeProvider);
  } catch (error) {
    if (error instanceof CertificateError) return error.message;
    throw error;
  }
}
