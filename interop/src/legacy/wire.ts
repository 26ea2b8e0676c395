/**
 * Hellos and records as bytes, for peers that lie: nothing here looks whether what it writes makes sense.
 *
 * @module
 */

export const handshake = 22;
export const alert = 21;

const helloType = { client: 1, server: 2 } as const;

/** supported_versions, by number. */
export const supportedVersions = 43;

export interface Extension {
  readonly type: number;
  readonly content: Buffer;
}

export function u16(...values: readonly number[]): Buffer {
  return Buffer.from(values.flatMap((value) => [value >> 8, value & 0xff]));
}

/** Bytes after their length. */
function vector(width: 1 | 2 | 3, content: Uint8Array): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(content.length);
  return Buffer.concat([length.subarray(4 - width), content]);
}

export function record(version: number, type: number, content: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([type]), u16(version), vector(2, content)]);
}

function message(type: number, content: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([type]), vector(3, content)]);
}

function block(extensions: readonly Extension[] | undefined): Buffer {
  if (extensions === undefined) return Buffer.alloc(0);
  return vector(
    2,
    Buffer.concat(extensions.map(({ type, content }) => Buffer.concat([u16(type), vector(2, content)]))),
  );
}

export interface ServerHelloParts {
  readonly version: number;
  readonly suite: number;
  readonly random?: Buffer;
  readonly sessionId?: Buffer;
  readonly extensions?: readonly Extension[] | undefined;
}

export function serverHello({ version, suite, random, sessionId, extensions }: ServerHelloParts): Buffer {
  const parts = [
    ...[u16(version), random ?? Buffer.alloc(32, 7), vector(1, sessionId ?? Buffer.alloc(0))],
    ...[u16(suite), Buffer.from([0]), block(extensions)],
  ];
  return message(helloType.server, Buffer.concat(parts));
}

/** A hello with these suites. */
export function clientHello(version: number, suites: readonly number[], extensions?: readonly Extension[]): Buffer {
  const parts = [
    ...[u16(version), Buffer.alloc(32, 7), vector(1, Buffer.alloc(0)), vector(2, u16(...suites))],
    ...[vector(1, Buffer.from([0])), block(extensions)],
  ];
  return message(helloType.client, Buffer.concat(parts));
}

/** Where in a record with a ClientHello its version, its session id and its extensions stand. */
export function placesIn(hello: Buffer): {
  readonly version: number;
  readonly sessionId: Buffer;
  /** Where each extension's type stands, by type. */
  readonly extensions: ReadonlyMap<number, number>;
} {
  const version = 9;
  const idLength = version + 34;
  const suites = idLength + 1 + (hello[idLength] ?? 0);
  const compression = suites + 2 + hello.readUInt16BE(suites);
  const start = compression + 1 + (hello[compression] ?? 0);
  const extensions = new Map<number, number>();
  for (let at = start + 2; at < hello.length; at += 4 + hello.readUInt16BE(at + 2)) {
    extensions.set(hello.readUInt16BE(at), at);
  }
  return { version, sessionId: hello.subarray(idLength + 1, suites), extensions };
}

/** Whole records of a stream. */
export function recordsOf(stream: Buffer): readonly Buffer[] {
  const records: Buffer[] = [];
  for (let at = 0; at + 5 <= stream.length; ) {
    const end = at + 5 + stream.readUInt16BE(at + 3);
    if (end > stream.length) break;
    records.push(stream.subarray(at, end));
    at = end;
  }
  return records;
}
