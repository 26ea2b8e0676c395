/**
 * Extensions (RFC 9846 §4.3): one table says which may stand in which message and how it is read there. Placement,
 * duplicates and answers that nobody asked for are refused in one loop, `readExtensions`.
 *
 * @module
 */

import { type Bytes, copyBytes } from '@handfast/crypto';
import { TlsError } from '../errors.ts';
import { extensionName, extensionType } from '../registry.ts';
import { bytesOfLatin1, latin1 } from './latin1.ts';
import { Reader } from './reader.ts';
import type { Writer } from './writer.ts';

/** The messages that carry extensions, abbreviated as RFC 9846 §4.3 does; SH12 is ServerHello before TLS 1.3. */
export type Place = 'CH' | 'SH' | 'SH12' | 'HRR' | 'EE' | 'CT' | 'CR' | 'NST';

const placeNames: Readonly<Record<Place, string>> = {
  CH: 'ClientHello',
  SH: 'ServerHello',
  SH12: 'ServerHello',
  HRR: 'HelloRetryRequest',
  EE: 'EncryptedExtensions',
  CT: 'Certificate',
  CR: 'CertificateRequest',
  NST: 'NewSessionTicket',
};

export type ExtensionName = keyof typeof extensionType;

/** CertificateStatusType (RFC 6066 §8); `other`: one that we do not know. */
export type StatusType = 'ocsp' | 'other';

export interface KeyShareEntry {
  readonly group: number;
  readonly keyExchange: Bytes;
}

export interface PreSharedKeyOffer {
  readonly identities: readonly { readonly identity: Uint8Array; readonly obfuscatedTicketAge: number }[];
  readonly binders: readonly Bytes[];
}

/** ClientTicketRequest (RFC 9149 §3): tickets wanted after a full handshake, and after one that resumed. */
export interface TicketRequest {
  readonly full: number;
  readonly resumed: number;
}

export interface ClientHelloExtensions {
  /** The host name, as the client sent it. */
  readonly server_name?: string;
  /** The kind of status that the client asks for. */
  readonly status_request?: StatusType;
  readonly supported_groups?: readonly number[];
  readonly signature_algorithms?: readonly number[];
  readonly signature_algorithms_cert?: readonly number[];
  readonly application_layer_protocol_negotiation?: readonly string[];
  readonly signed_certificate_timestamp?: true;
  readonly record_size_limit?: number;
  readonly supported_versions?: readonly number[];
  readonly cookie?: Bytes;
  readonly psk_key_exchange_modes?: readonly number[];
  readonly pre_shared_key?: PreSharedKeyOffer | undefined;
  readonly early_data?: true | undefined;
  /** DER distinguished names. */
  readonly certificate_authorities?: readonly Uint8Array[];
  readonly post_handshake_auth?: true;
  readonly key_share?: readonly KeyShareEntry[];
  /** How many tickets the client would like (RFC 9149). */
  readonly ticket_request?: TicketRequest;
  /** MaxFragmentLength (RFC 6066 §4): 1 to 4 for 2^9 to 2^12 bytes. */
  readonly max_fragment_length?: number;
  /** ECPointFormat numbers (RFC 8422 §5.1.2). */
  readonly ec_point_formats?: readonly number[];
  readonly encrypt_then_mac?: true;
  readonly extended_master_secret?: true;
  /** A ticket of TLS 1.2 (RFC 5077 §3.2); empty: the client would like one. */
  readonly session_ticket?: Uint8Array;
  /** renegotiated_connection (RFC 5746 §3.2): empty in a first handshake. */
  readonly renegotiation_info?: Uint8Array;
}

/** What a server before TLS 1.3 answers. */
export interface ServerHello12Extensions {
  readonly server_name?: true;
  readonly max_fragment_length?: number;
  readonly status_request?: true;
  readonly ec_point_formats?: readonly number[];
  readonly application_layer_protocol_negotiation?: string;
  readonly signed_certificate_timestamp?: Uint8Array;
  readonly encrypt_then_mac?: true;
  readonly extended_master_secret?: true;
  /** A NewSessionTicket will come. */
  readonly session_ticket?: true;
  readonly record_size_limit?: number;
  readonly renegotiation_info?: Uint8Array;
}

export interface ServerHelloExtensions {
  readonly supported_versions?: number;
  readonly key_share?: KeyShareEntry;
  readonly pre_shared_key?: number;
}

export interface HelloRetryRequestExtensions {
  readonly supported_versions?: number;
  readonly cookie?: Bytes;
  readonly key_share?: number;
}

export interface EncryptedExtensionsValues {
  readonly server_name?: true;
  readonly supported_groups?: readonly number[];
  /** The one protocol that the server chose. */
  readonly application_layer_protocol_negotiation?: string;
  readonly max_fragment_length?: number;
  readonly record_size_limit?: number;
  readonly early_data?: true;
  /** How many tickets will come. */
  readonly ticket_request?: number;
}

export interface CertificateRequestExtensions {
  readonly status_request?: true;
  readonly signed_certificate_timestamp?: true;
  readonly signature_algorithms?: readonly number[];
  readonly signature_algorithms_cert?: readonly number[];
  readonly certificate_authorities?: readonly Uint8Array[];
}

/** What may come with a certificate (RFC 9846 §4.5.1.1, RFC 6962 §3.3.1). */
export interface CertificateEntryExtensions {
  /** An OCSPResponse, DER. */
  readonly status_request?: Uint8Array;
  /** A SignedCertificateTimestampList as it stands. */
  readonly signed_certificate_timestamp?: Uint8Array;
}

export interface NewSessionTicketExtensions {
  /** max_early_data_size, in bytes. */
  readonly early_data?: number;
}

export interface ExtensionsIn {
  readonly CH: ClientHelloExtensions;
  readonly SH: ServerHelloExtensions;
  readonly SH12: ServerHello12Extensions;
  readonly HRR: HelloRetryRequestExtensions;
  readonly EE: EncryptedExtensionsValues;
  readonly CT: CertificateEntryExtensions;
  readonly CR: CertificateRequestExtensions;
  readonly NST: NewSessionTicketExtensions;
}

export interface Codec<T> {
  readonly read: (reader: Reader) => T;
  readonly write: (writer: Writer, value: T) => void;
}

/** May stand there, and is passed by undecoded. */
const recognised = 'recognised';

type Row<N extends ExtensionName> = {
  readonly [P in Place]?: N extends keyof ExtensionsIn[P] ? Codec<NonNullable<ExtensionsIn[P][N]>> : typeof recognised;
};

const empty: Codec<true> = { read: () => true, write: () => undefined };

const u8: Codec<number> = { read: (reader) => reader.u8(), write: (writer, value) => writer.u8(value) };

const u8List: Codec<readonly number[]> = {
  read: (reader) => reader.vector8(1).each((item) => item.u8()),
  write(writer, values) {
    writer.block8(() => {
      for (const value of values) writer.u8(value);
    });
  },
};

const opaque8: Codec<Uint8Array> = {
  read: (reader) => reader.opaque8(),
  write: (writer, value) => writer.opaque8(value),
};

/** The whole extension is the value. */
const all: Codec<Uint8Array> = {
  read: (reader) => reader.rest(),
  write: (writer, value) => writer.bytes(value),
};

const u16: Codec<number> = { read: (reader) => reader.u16(), write: (writer, value) => writer.u16(value) };

const u16List: Codec<readonly number[]> = {
  read(reader) {
    const list = reader.vector16(2);
    if (list.remaining % 2 !== 0) throw reader.fail(`a list of 16-bit values cannot be ${list.remaining} bytes long`);
    return list.each((item) => item.u16());
  },
  write(writer, values) {
    writer.block16(() => {
      for (const value of values) writer.u16(value);
    });
  },
};

const opaque16: Codec<Bytes> = {
  read: (reader) => reader.opaque16(1),
  write: (writer, value) => writer.opaque16(value),
};

/** ProtocolName is a byte string; each character of ours is one byte. */
const protocolNames: Codec<readonly string[]> = {
  read: (reader) => reader.vector16(2).each((item) => latin1(item.opaque8(1))),
  write(writer, names) {
    writer.block16(() => {
      for (const name of names) writer.opaque8(bytesOfLatin1(name));
    });
  },
};

const oneProtocolName: Codec<string> = {
  read(reader) {
    const [name, ...more] = protocolNames.read(reader);
    if (name === undefined || more.length > 0) throw reader.fail('the answer must hold exactly one protocol name');
    return name;
  },
  write: (writer, name) => protocolNames.write(writer, [name]),
};

const hostNameType = 0;

/** ServerNameList (RFC 6066 §3): host_name is the one type that exists, and may stand once. */
const serverNameList: Codec<string> = {
  read(reader) {
    let hostName: string | undefined;
    for (const [type, name] of reader.vector16(1).each((item) => [item.u8(), item.opaque16(1)] as const)) {
      if (type !== hostNameType) continue;
      if (hostName !== undefined) throw reader.fail('two names of type host_name');
      if (name.some((byte) => byte <= 0x20 || byte >= 0x7f)) {
        throw new TlsError('illegal_parameter', 'server_name: the host name holds bytes that are not visible ASCII');
      }
      hostName = latin1(name);
    }
    if (hostName === undefined) throw reader.fail('no name of type host_name');
    return hostName;
  },
  write(writer, name) {
    writer.block16(() => writer.u8(hostNameType).opaque16(bytesOfLatin1(name)));
  },
};

const keyShareEntry: Codec<KeyShareEntry> = {
  read: (reader) => ({ group: reader.u16(), keyExchange: reader.opaque16(1) }),
  write: (writer, { group, keyExchange }) => writer.u16(group).opaque16(keyExchange),
};

const keyShareList: Codec<readonly KeyShareEntry[]> = {
  read: (reader) => reader.vector16().each((item) => keyShareEntry.read(item)),
  write(writer, entries) {
    writer.block16(() => {
      for (const entry of entries) keyShareEntry.write(writer, entry);
    });
  },
};

const versionList: Codec<readonly number[]> = {
  read(reader) {
    const list = reader.vector8(2, 254);
    if (list.remaining % 2 !== 0) throw reader.fail('an odd number of bytes in a list of versions');
    return list.each((item) => item.u16());
  },
  write(writer, versions) {
    writer.block8(() => {
      for (const version of versions) writer.u16(version);
    });
  },
};

const ocspStatus = 1;

/** CertificateStatusRequest (RFC 6066 §8). We name no responders and ask for no extensions. */
const statusRequest: Codec<StatusType> = {
  read(reader) {
    if (reader.u8() !== ocspStatus) {
      reader.rest();
      return 'other';
    }
    reader.vector16().each((item) => item.opaque16(1));
    reader.opaque16();
    return 'ocsp';
  },
  write: (writer) => writer.u8(ocspStatus).u16(0).u16(0),
};

/** CertificateStatus (RFC 6066 §8): in TLS 1.3 beside the certificate, before it a message. */
export const certificateStatus: Codec<Uint8Array> = {
  read(reader) {
    const type = reader.u8();
    if (type !== ocspStatus) {
      throw new TlsError('illegal_parameter', `CertificateStatus: a status of type ${type}, not ocsp`);
    }
    return reader.opaque24(1);
  },
  write: (writer, response) => writer.u8(ocspStatus).opaque24(response),
};

/** SignedCertificateTimestampList (RFC 6962 §3.3): looked into where it is verified, but never empty. */
const timestampList: Codec<Uint8Array> = {
  read(reader) {
    const list = reader.rest();
    const inner = new Reader(list, 'signed_certificate_timestamp of Certificate');
    inner.opaque16(1);
    inner.end();
    return list;
  },
  write: (writer, list) => writer.bytes(list),
};

/** OfferedPsks (RFC 9846 §4.3.11). */
const offeredPsks: Codec<PreSharedKeyOffer> = {
  read: (reader) => ({
    identities: reader.vector16(7).each((item) => ({ identity: item.opaque16(1), obfuscatedTicketAge: item.u32() })),
    binders: reader.vector16(33).each((item) => item.opaque8(32)),
  }),
  write(writer, { identities, binders }) {
    writer.block16(() => {
      for (const { identity, obfuscatedTicketAge } of identities) writer.opaque16(identity).u32(obfuscatedTicketAge);
    });
    writer.block16(() => {
      for (const binder of binders) writer.opaque8(binder);
    });
  },
};

const ticketRequest: Codec<TicketRequest> = {
  read: (reader) => ({ full: reader.u8(), resumed: reader.u8() }),
  write: (writer, { full, resumed }) => writer.u8(full).u8(resumed),
};

const distinguishedNames: Codec<readonly Uint8Array[]> = {
  read: (reader) => reader.vector16(3).each((item) => item.opaque16(1)),
  write(writer, names) {
    writer.block16(() => {
      for (const name of names) writer.opaque16(name);
    });
  },
};

const maxEarlyDataSize: Codec<number> = {
  read: (reader) => reader.u32(),
  write: (writer, size) => writer.u32(size),
};

/**
 * RFC 9846 §4.3's table, with a column for ServerHello before TLS 1.3. Rows below the line are earlier versions' extensions: a
 * hello may offer them beside 1.3's, a 1.3 server never answers them.
 */
const table: { readonly [N in ExtensionName]: Row<N> } = {
  server_name: { CH: serverNameList, SH12: empty, EE: empty, CR: recognised },
  status_request: { CH: statusRequest, SH12: empty, CR: empty, CT: certificateStatus },
  // BIG-IP servers answer it in TLS 1.2, where nobody should: passed by.
  supported_groups: { CH: u16List, SH12: recognised, EE: u16List },
  signature_algorithms: { CH: u16List, CR: u16List },
  use_srtp: { CH: recognised, SH12: recognised, EE: recognised },
  heartbeat: { CH: recognised, SH12: recognised, EE: recognised },
  application_layer_protocol_negotiation: { CH: protocolNames, SH12: oneProtocolName, EE: oneProtocolName },
  signed_certificate_timestamp: { CH: empty, SH12: timestampList, CR: empty, CT: timestampList },
  client_certificate_type: { CH: recognised, SH12: recognised, EE: recognised },
  server_certificate_type: { CH: recognised, SH12: recognised, EE: recognised },
  padding: { CH: recognised },
  compress_certificate: { CH: recognised, CR: recognised },
  record_size_limit: { CH: u16, SH12: u16, EE: u16 },
  delegated_credential: { CH: recognised, CR: recognised, CT: recognised },
  pre_shared_key: { CH: offeredPsks, SH: u16 },
  early_data: { CH: empty, EE: empty, NST: maxEarlyDataSize },
  supported_versions: { CH: versionList, SH: u16, HRR: u16 },
  cookie: { CH: opaque16, HRR: opaque16 },
  psk_key_exchange_modes: { CH: u8List },
  certificate_authorities: { CH: distinguishedNames, CR: distinguishedNames },
  oid_filters: { CR: recognised },
  post_handshake_auth: { CH: empty },
  signature_algorithms_cert: { CH: u16List, CR: u16List },
  key_share: { CH: keyShareList, SH: keyShareEntry, HRR: u16 },
  ticket_request: { CH: ticketRequest, EE: u8 },
  encrypted_client_hello: { CH: recognised, HRR: recognised, EE: recognised },
  max_fragment_length: { CH: u8, SH12: u8, EE: u8 },
  // ----
  ec_point_formats: { CH: u8List, SH12: u8List },
  encrypt_then_mac: { CH: empty, SH12: empty },
  extended_master_secret: { CH: empty, SH12: empty },
  session_ticket: { CH: all, SH12: empty },
  renegotiation_info: { CH: opaque8, SH12: opaque8 },
};

const rowById: ReadonlyMap<number, readonly [ExtensionName, Row<ExtensionName>]> = new Map(
  Object.entries(extensionType).map(([name, id]) => {
    const known = name as ExtensionName;
    return [id, [known, table[known] as Row<ExtensionName>]];
  }),
);

/** An extension as it stands on the wire. */
export interface RawExtension {
  readonly type: number;
  readonly data: Bytes;
}

export interface Extensions<P extends Place> {
  readonly values: ExtensionsIn[P];
  /** All of them, unknown ones too, in wire order. */
  readonly list: readonly RawExtension[];
}

/** In these messages a peer may say what we do not know; the others answer what we offered. */
const mayHoldUnknown: ReadonlySet<Place> = new Set<Place>(['CH', 'CR', 'NST']);

/**
 * Reads an extension block.
 *
 * @param offered the types that the message answers; cookie in HelloRetryRequest needs no offer. Ignored for the
 *   messages that ask rather than answer.
 */
export function readExtensions<P extends Place>(block: Reader, place: P, offered?: ReadonlySet<number>): Extensions<P> {
  const values: Partial<Record<ExtensionName, unknown>> = Object.create(null);
  const list: RawExtension[] = [];
  const seen = new Set<number>();
  while (block.remaining > 0) {
    const type = block.u16();
    const data = copyBytes(block.vector16().rest());
    if (seen.has(type)) {
      throw new TlsError('illegal_parameter', `${placeNames[place]}: extension ${extensionName(type)} stands twice`);
    }
    seen.add(type);
    list.push({ type, data });
    const known = rowById.get(type);
    if (known !== undefined) {
      const [name, row] = known;
      const codec = row[place];
      if (codec === undefined) {
        throw new TlsError(
          'illegal_parameter',
          `${placeNames[place]}: extension ${name} may not stand in this message`,
        );
      }
      refuseUnlessOffered(place, type, offered);
      if (codec !== recognised) {
        const reader = new Reader(data, `${name} of ${placeNames[place]}`);
        values[name] = codec.read(reader);
        reader.end();
      }
    } else if (!mayHoldUnknown.has(place)) {
      refuseUnlessOffered(place, type, offered);
    }
  }
  // The table's type ties each name's codec to its field in ExtensionsIn; the loop cannot say so to the compiler.
  return { values: values as ExtensionsIn[P], list };
}

function refuseUnlessOffered(place: Place, type: number, offered: ReadonlySet<number> | undefined): void {
  if (mayHoldUnknown.has(place) || offered?.has(type)) return;
  if (place === 'HRR' && type === extensionType.cookie) return;
  throw new TlsError(
    'unsupported_extension',
    `${placeNames[place]}: extension ${extensionName(type)} answers nothing that was offered`,
  );
}

/** Writes an extension block: `values` in the order of their keys, after and before what `raw` adds. */
export function writeExtensions<P extends Place>(
  writer: Writer,
  place: P,
  values: ExtensionsIn[P],
  raw: { readonly first?: readonly RawExtension[]; readonly last?: readonly RawExtension[] } = {},
): void {
  writer.block16(() => {
    const write = (name: ExtensionName, value: unknown): void => {
      if (value === undefined) return;
      const codec = (table[name] as Row<ExtensionName>)[place] as Codec<unknown> | typeof recognised | undefined;
      if (codec === undefined || codec === recognised) throw new TypeError(`${name} is not ours to write in ${place}`);
      writer.u16(extensionType[name]).block16(() => codec.write(writer, value));
    };
    // RFC 9846 §4.3.11: in a hello nothing comes after the keys, whose binders are over all that comes before.
    const last = (name: string): boolean => place === 'CH' && name === 'pre_shared_key';
    const entries = Object.entries(values) as [ExtensionName, unknown][];
    for (const { type, data } of raw.first ?? []) writer.u16(type).opaque16(data);
    for (const [name, value] of entries) if (!last(name)) write(name, value);
    for (const { type, data } of raw.last ?? []) writer.u16(type).opaque16(data);
    for (const [name, value] of entries) if (last(name)) write(name, value);
  });
}
