/**
 * What a server writes into a ticket: all that it must know to go on, so that it keeps nothing itself. Sealed by
 * `ticket-keys.ts`, which is why its bytes are believed when they come back.
 *
 * ```
 * struct {
 *     uint8 format = 1;
 *     uint16 version, cipher_suite;
 *     uint64 issued, authenticated;       // milliseconds since the epoch
 *     uint32 lifetime;                    // seconds
 *     uint32 age_add, max_early_data_size;
 *     uint8 flags;                        // 1: extended_master_secret, 2: a name, 4: ALPN, 8: a certificate was asked for, 16: and came
 *     opaque server_name<0..2^16-1>, alpn_protocol<0..255>;
 *     opaque server_leaf[32];             // SHA-256 of the certificate that was shown
 *     opaque client_chain<0..2^24-1>;     // opaque certificate<1..2^24-1>, …
 *     opaque client_status<0..2^24-1>, client_timestamps<0..2^16-1>;
 *     opaque secret<1..255>;
 * } SessionState;
 * ```
 *
 * @module
 */

import type { Bytes } from '@handfast/crypto';
import { bytesOfLatin1, latin1 } from '../messages/latin1.ts';
import { Reader } from '../messages/reader.ts';
import { Writer } from '../messages/writer.ts';
import type { PeerProof } from './proof.ts';

export interface SessionState {
  readonly version: number;
  readonly cipherSuite: number;
  readonly secret: Bytes;
  /** Milliseconds since the epoch. */
  readonly issued: number;
  /** When both sides last showed certificates, in milliseconds since the epoch. */
  readonly authenticated: number;
  /** Seconds. */
  readonly lifetime: number;
  readonly ageAdd: number;
  /** Bytes; 0: none may come with it. */
  readonly maxEarlyData: number;
  readonly extendedMasterSecret: boolean;
  readonly serverName: string | undefined;
  readonly alpnProtocol: string | undefined;
  /** SHA-256 of the certificate that the server showed. */
  readonly serverLeaf: Bytes;
  readonly askedForCertificate: boolean;
  /** The client's; undefined where it showed none. */
  readonly client: PeerProof | undefined;
}

const format = 1;
const flag = { extendedMasterSecret: 1, serverName: 2, alpnProtocol: 4, asked: 8, client: 16 } as const;
const none: Bytes = new Uint8Array(0);

export function writeState(state: SessionState): Bytes {
  const { serverName, alpnProtocol, client } = state;
  const flags =
    (state.extendedMasterSecret ? flag.extendedMasterSecret : 0) |
    (serverName === undefined ? 0 : flag.serverName) |
    (alpnProtocol === undefined ? 0 : flag.alpnProtocol) |
    (state.askedForCertificate ? flag.asked : 0) |
    (client === undefined ? 0 : flag.client);
  const writer = new Writer().u8(format).u16(state.version).u16(state.cipherSuite);
  milliseconds(writer, state.issued);
  milliseconds(writer, state.authenticated);
  writer.u32(state.lifetime).u32(state.ageAdd).u32(state.maxEarlyData).u8(flags);
  writer
    .opaque16(bytesOfLatin1(serverName ?? ''))
    .opaque8(bytesOfLatin1(alpnProtocol ?? ''))
    .bytes(state.serverLeaf);
  writer.block24(() => {
    for (const certificate of client?.chain ?? []) writer.opaque24(certificate);
  });
  writer.opaque24(client?.ocspResponse ?? none).opaque16(client?.signedCertificateTimestamps ?? none);
  // Last: what grows before it leaves no copies of it.
  return writer.opaque8(state.secret).finish();
}

/**
 * @throws TlsError `decode_error`: it was sealed by another program, or by another version of this one.
 */
export function readState(bytes: Uint8Array): SessionState {
  const reader = new Reader(bytes, 'session state');
  const found = reader.u8();
  if (found !== format) throw reader.fail(`format ${found}, not ${format}`);
  const version = reader.u16();
  const cipherSuite = reader.u16();
  const issued = readMilliseconds(reader);
  const authenticated = readMilliseconds(reader);
  const lifetime = reader.u32();
  const ageAdd = reader.u32();
  const maxEarlyData = reader.u32();
  const flags = reader.u8();
  const serverName = latin1(reader.opaque16());
  const alpnProtocol = latin1(reader.opaque8());
  const serverLeaf = reader.bytes(32);
  const chain = reader.vector24().each((item) => item.opaque24(1));
  const ocspResponse = reader.opaque24();
  const timestamps = reader.opaque16();
  const secret = reader.opaque8(1);
  reader.end();
  return {
    ...{ version, cipherSuite, issued, authenticated, lifetime, ageAdd, maxEarlyData, serverLeaf, secret },
    extendedMasterSecret: (flags & flag.extendedMasterSecret) !== 0,
    serverName: flags & flag.serverName ? serverName : undefined,
    alpnProtocol: flags & flag.alpnProtocol ? alpnProtocol : undefined,
    askedForCertificate: (flags & flag.asked) !== 0,
    client:
      flags & flag.client
        ? {
            chain,
            ocspResponse: ocspResponse.length > 0 ? ocspResponse : undefined,
            signedCertificateTimestamps: timestamps.length > 0 ? timestamps : undefined,
          }
        : undefined,
  };
}

function milliseconds(writer: Writer, value: number): void {
  writer.u32(Math.floor(value / 2 ** 32)).u32(value % 2 ** 32);
}

function readMilliseconds(reader: Reader): number {
  return reader.u32() * 2 ** 32 + reader.u32();
}
