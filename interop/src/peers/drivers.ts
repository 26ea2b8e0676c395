/**
 * What the drivers have in common: a case as one JSON command. Drivers read what they can use and leave the rest.
 *
 * @module
 */

import { namedGroups } from '@handfast/tls';
import { alpnProtocol } from '../cases.ts';
import { bye, hello, middle, parts, quit } from '../conversation.ts';
import type { Driver } from '../processes.ts';
import type { ClientTask, Run, ServerRun, Task } from './peer.ts';

const script = { lines: [hello, parts[0], middle, parts[1]], quit, bye };

/** Groups by IANA's number. */
export function groupIds(names: readonly string[]): readonly number[] {
  return names.map((name) => namedGroups.find((row) => row.name === name)?.id ?? 0);
}

export function clientCommand({ row, family, port }: ClientTask): object {
  const { cert, key, certFile, keyFile } = family.client;
  return {
    role: 'client',
    port,
    ca: family.ca,
    closing: row.closing,
    ...(row.clientCertificate === 'required' ? { cert, key, certFile, keyFile } : {}),
    ...(row.alpn === 'none' ? {} : { alpn: alpnProtocol }),
    ...script,
  };
}

export function serverCommand({ row, family, serverIdentity }: Task): object {
  return {
    role: 'server',
    ca: family.ca,
    ...serverIdentity,
    clientCertificate: row.clientCertificate,
    closing: row.closing,
    ...(row.alpn === 'none' ? {} : { alpn: alpnProtocol }),
    ...script,
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
