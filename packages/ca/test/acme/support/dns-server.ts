/**
 * A name server on loopback, UDP and TCP at one port, that answers what a test says: wrongly, late, cut off, or not at all.
 *
 * @module
 */

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';

export type RecordType = 'A' | 'AAAA' | 'TXT' | 'CAA' | 'CNAME';

const typeNumbers: Readonly<Record<RecordType, number>> = { A: 1, CNAME: 5, TXT: 16, AAAA: 28, CAA: 257 };

export interface Query {
  readonly name: string;
  readonly type: RecordType | undefined;
  readonly transport: 'udp' | 'tcp';
}

export interface Reply {
  /** 0 unless set; 2: SERVFAIL, 3: NXDOMAIN, 5: REFUSED. */
  readonly code?: number;
  readonly records?: readonly { readonly name?: string; readonly type: RecordType; readonly data: Uint8Array }[];
  /** "Ask again by TCP." */
  readonly truncated?: boolean;
}

export interface DnsServer extends AsyncDisposable {
  /** `127.0.0.1:port` */
  readonly address: string;
  readonly queries: Query[];
}

/** @param answer `undefined`: says nothing */
export async function dnsServer(answer: (query: Query) => Reply | undefined): Promise<DnsServer> {
  const queries: Query[] = [];
  const reply = (message: Buffer, transport: Query['transport']): Buffer | undefined => {
    const query = { ...questionOf(message), transport };
    queries.push(query);
    const given = answer(query);
    return given && encoded(message, query.name, given);
  };
  const tcp = createServer((socket) => serveTcp(socket, (message) => reply(message, 'tcp')));
  tcp.listen(0, '127.0.0.1');
  await once(tcp, 'listening');
  const address = tcp.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const udp = createSocket('udp4');
  udp.on('message', (message, { port: from, address: host }) => {
    const given = reply(message, 'udp');
    if (given !== undefined) udp.send(given, from, host);
  });
  udp.bind(port, '127.0.0.1');
  await once(udp, 'listening');
  return {
    address: `127.0.0.1:${port}`,
    queries,
    async [Symbol.asyncDispose]() {
      udp.close();
      tcp.close();
      await once(tcp, 'close');
    },
  };
}

export function aRecord(address: string): Uint8Array {
  return Uint8Array.from(address.split('.').map(Number));
}

export function txtRecord(...strings: readonly string[]): Uint8Array {
  return Buffer.concat(strings.map(counted));
}

export function caaRecord(tag: string, value: string, flags = 0): Uint8Array {
  return Buffer.concat([Buffer.from([flags]), counted(tag), Buffer.from(value)]);
}

export function nameRecord(name: string): Uint8Array {
  return Buffer.concat([...name.split('.').map(counted), Buffer.from([0])]);
}

function counted(text: string): Buffer {
  return Buffer.concat([Buffer.from([text.length]), Buffer.from(text)]);
}

/** RFC 1035 §4: after a header of twelve bytes. */
function questionOf(message: Buffer): Pick<Query, 'name' | 'type'> {
  const labels: string[] = [];
  let at = 12;
  for (let length = message[at] ?? 0; length > 0; length = message[at] ?? 0) {
    labels.push(message.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  const number = message.readUInt16BE(at + 1);
  const [type] = Object.entries(typeNumbers).find(([, value]) => value === number) ?? [];
  return { name: labels.join('.').toLowerCase(), type: type as RecordType | undefined };
}

function encoded(query: Buffer, asked: string, { code = 0, records = [], truncated = false }: Reply): Buffer {
  const header = Buffer.from([
    query[0] ?? 0,
    query[1] ?? 0,
    truncated ? 0x83 : 0x81,
    0x80 | code,
    0,
    1,
    0,
    0,
    0,
    0,
    0,
    0,
  ]);
  header.writeUInt16BE(truncated ? 0 : records.length, 6);
  const question = Buffer.concat([nameRecord(asked), query.subarray(12 + nameRecord(asked).length).subarray(0, 4)]);
  const answers = truncated
    ? []
    : records.map(({ name = asked, type, data }) => {
        const fixed = Buffer.alloc(10);
        fixed.writeUInt16BE(typeNumbers[type], 0);
        fixed.writeUInt16BE(1, 2);
        fixed.writeUInt32BE(60, 4);
        fixed.writeUInt16BE(data.length, 8);
        return Buffer.concat([nameRecord(name), fixed, data]);
      });
  return Buffer.concat([header, question, ...answers]);
}

function serveTcp(socket: Socket, reply: (message: Buffer) => Buffer | undefined): void {
  let waiting = Buffer.alloc(0);
  socket.on('error', () => undefined);
  socket.on('data', (chunk: Buffer) => {
    waiting = Buffer.concat([waiting, chunk]);
    while (waiting.length >= 2 && waiting.length >= 2 + waiting.readUInt16BE(0)) {
      const length = waiting.readUInt16BE(0);
      const given = reply(waiting.subarray(2, 2 + length));
      waiting = waiting.subarray(2 + length);
      if (given === undefined) continue;
      const prefix = Buffer.alloc(2);
      prefix.writeUInt16BE(given.length);
      socket.write(Buffer.concat([prefix, given]));
    }
  });
}
