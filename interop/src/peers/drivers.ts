/**
 * What the drivers have in common: a case as one JSON command. Drivers read what they can use and leave the rest.
 *
 * @module
 */

import { defaultCipherSuites12, namedGroups } from '@handfast/tls';
import { alpnProtocol } from '../cases.ts';
import { bye, hello, middle, parts, quit, Reader } from '../conversation.ts';
import type { Driver } from '../processes.ts';
import { type Word, wordOfLine } from '../words.ts';
import { opensslCipher } from './openssl.ts';
import type {
  ClientPeer,
  ClientTask,
  ReturningClient,
  ReturningServer,
  Run,
  ServerPeer,
  ServerRun,
  Task,
} from './peer.ts';

const script = { lines: [hello, parts[0], middle, parts[1]], quit, bye };

/** Groups by IANA's number. */
export function groupIds(names: readonly string[]): readonly number[] {
  return names.map((name) => namedGroups.find((row) => row.name === name)?.id ?? 0);
}

/** A suite of TLS 1.2 by IANA's number. */
export function suiteIds({ row }: Task): { readonly suites?: readonly number[] } {
  const suite = defaultCipherSuites12.find(({ name }) => name === row.suite);
  return suite === undefined ? {} : { suites: [suite.id] };
}

/** The lowest and the highest of a task's versions, as `node:tls` names them. */
function versionRange(versions: readonly string[]): object {
  const [max = '', min = max] = [versions[0], versions.at(-1)].map((version) => version?.replace(' ', 'v'));
  return { minVersion: min, maxVersion: max };
}

/** How OpenSSL's users limit the suites of TLS 1.2; those of 1.3 stay as they are. */
export function suites12By({ row }: Task): { readonly suites?: string } {
  return row.version === 'TLS 1.3' ? {} : { suites: opensslCipher(row.suite) };
}

export function clientCommand({ row, family, port, versions, visits, withoutTickets }: ClientTask): object {
  const { cert, key, certFile, keyFile } = family.client;
  return {
    role: 'client',
    port,
    ca: family.ca,
    closing: row.closing,
    ...versionRange(versions),
    ...(row.clientCertificate === 'required' ? { cert, key, certFile, keyFile } : {}),
    ...(row.alpn === 'none' ? {} : { alpn: alpnProtocol }),
    ...script,
    ...(visits === undefined ? {} : { visits, withoutTickets }),
  };
}

export function serverCommand({ row, family, serverIdentity, versions, visits, withoutTickets }: Task): object {
  return {
    role: 'server',
    ca: family.ca,
    ...serverIdentity,
    clientCertificate: row.clientCertificate,
    closing: row.closing,
    ...versionRange(versions),
    ...(row.alpn === 'none' ? {} : { alpn: alpnProtocol }),
    ...script,
    ...(visits === undefined ? {} : { visits, withoutTickets }),
  };
}

/**
 * A driver's client that comes back: each time it says the first line, hears it, says whether it was resumed, and ends;
 * then the server does.
 */
export function returningClient(start: ClientPeer['start'], byIdentifier: boolean): ReturningClient {
  return {
    visits: 3,
    byIdentifier,
    start,
    talk: async (socket) => {
      const reader = new Reader(socket);
      await reader.expect(hello, 'the line', (chunk) => socket.write(chunk));
      const word = wordOfLine(await reader.rest());
      socket.end();
      return word;
    },
  };
}

/** A driver's server that is come back to: it echoes the line, says whether it has resumed, and ends. */
export function returningServer(start: ServerPeer['start'], byIdentifier: boolean): ReturningServer {
  return {
    byIdentifier,
    start,
    talk: async (socket): Promise<Word> => {
      const reader = new Reader(socket);
      socket.write(hello);
      await reader.expect(hello, 'the echo');
      const word = wordOfLine(await reader.rest());
      socket.end();
      return word;
    },
  };
}

/** A driver that starts when it is first needed. */
export class LazyDriver {
  readonly #make: () => Driver;
  #driver: Driver | undefined;

  constructor(make: () => Driver) {
    this.#make = make;
  }

  client(command: object): Run {
    const { done, stop } = this.#get().run(command);
    return { done, stop };
  }

  async server(command: object): Promise<ServerRun> {
    const { listening, done, stop } = this.#get().run(command);
    return { port: await listening, done, stop };
  }

  close(): void {
    this.#driver?.close();
    this.#driver = undefined;
  }

  #get(): Driver {
    this.#driver ??= this.#make();
    return this.#driver;
  }
}
