/**
 * The client's hello (RFC 9846 §4.2.2): one for all versions that the config offers. Each version adds what is its own
 * (`ClientOffer.extensions`); what they share, and GREASE, is here.
 *
 * @module
 */

import type { Bytes, Cryptography } from '@handfast/crypto';
import type { FlowHost } from './flow.ts';
import { readClientHello, writeClientHello } from './messages/client-hello.ts';
import type { ClientHelloExtensions, RawExtension } from './messages/extensions.ts';
import { Reader } from './messages/reader.ts';
import { extensionType, ids, type Row, scsv, TLS10, TLS12, TLS13 } from './registry.ts';
import type { ClientOffer, ClientParameters } from './version.ts';

/** A hello that has gone out. */
export interface SentHello {
  readonly parameters: ClientParameters;
  readonly random: Bytes;
  /** Random where TLS 1.3 is offered: no server of an earlier version may know it, unless a session of that is. */
  readonly legacySessionId: Bytes;
  /** The first hello, as it stands in the transcript. */
  readonly raw: Bytes;
  /** Sends the hello again (RFC 9846 §4.2.2), with these extensions changed, added, or taken out by `undefined`. */
  readonly again: (changes: ClientHelloExtensions, bind?: ClientOffer['bind']) => Bytes;
}

export function sendHello(host: FlowHost, parameters: ClientParameters, offers: readonly ClientOffer[]): SentHello {
  const { config, resumable } = parameters;
  const { provider } = config;
  const best = bestVersion(config);
  // RFC 9846 appendix E.4: a session id makes the handshake look like a TLS 1.2 resumption.
  const disguised = best === TLS13 && config.middleboxCompatibility !== false;
  // A session of an earlier version goes by its identifier, or by a ticket whose taking the server shows by echoing ours.
  const older = resumable !== undefined && resumable.session.version < TLS13 ? resumable.session : undefined;
  const random = provider.random(disguised || older ? 64 : 32);
  const constants: HelloConstants = {
    random: random.subarray(0, 32),
    legacySessionId: older?.sessionId.length ? older.sessionId : random.subarray(32),
    grease: config.grease && best >= TLS12 ? chooseGrease(provider) : undefined,
  };
  // A server of SSL 3.0 may know no other record.
  if (best < TLS10) host.records.setHelloVersion(best);
  const own: ClientHelloExtensions = Object.assign({}, ...offers.map(({ extensions }) => extensions));
  const send = (extensions: ClientHelloExtensions, first: boolean, binds: readonly ClientOffer['bind'][]): Bytes => {
    const raw = writeHello(parameters, constants, extensions, first);
    for (const bind of binds) bind?.(raw);
    host.send(raw);
    host.offered = offeredTypes(raw);
    return raw;
  };
  return {
    ...constants,
    parameters,
    raw: send(
      own,
      true,
      offers.map(({ bind }) => bind),
    ),
    again: (changes, bind) => send({ ...own, ...changes }, false, [bind]),
  };
}

/** The wire number of the best version that a config offers. */
export function bestVersion({ versions }: { readonly versions: readonly Row[] }): number {
  return Math.max(...ids(versions));
}

/** Values that stay the same in both hellos. */
interface HelloConstants {
  readonly random: Bytes;
  readonly legacySessionId: Bytes;
  readonly grease: Grease | undefined;
}

/** Random reserved values (RFC 8701), one for each list. */
interface Grease {
  readonly cipherSuite: number;
  readonly group: number;
  readonly scheme: number;
  readonly version: number;
  readonly first: RawExtension;
  readonly last: RawExtension;
}

function chooseGrease(provider: Cryptography): Grease {
  const random = provider.random(6);
  const value = (index: number): number => {
    const high = ((random[index] as number) & 0xf0) | 0x0a;
    return (high << 8) | high;
  };
  const first = value(4);
  const last = value(5) === first ? first ^ 0x1010 : value(5);
  return {
    cipherSuite: value(0),
    group: value(1),
    scheme: value(2),
    version: value(3),
    first: { type: first, data: new Uint8Array(0) },
    last: { type: last, data: new Uint8Array(1) },
  };
}

function writeHello(
  parameters: ClientParameters,
  { random, legacySessionId, grease }: HelloConstants,
  own: ClientHelloExtensions,
  first: boolean,
): Bytes {
  const { config } = parameters;
  const best = bestVersion(config);
  // SSL 3.0's servers know no extensions: RFC 5746 §3.4's signal stands among the suites.
  const bare = best < TLS10;
  const signals = [...(bare ? [scsv.emptyRenegotiationInfo] : []), ...(config.fallback ? [scsv.fallback] : [])];
  return writeClientHello({
    legacyVersion: Math.min(best, TLS12),
    random,
    legacySessionId,
    cipherSuites: [...greased(grease?.cipherSuite, ids(config.cipherSuites)), ...signals],
    extensions: bare ? {} : { ...commonExtensions(parameters, grease), ...greasedShares(own, grease, first) },
    ...(grease ? { raw: { first: [grease.first], last: [grease.last] } } : {}),
  });
}

function commonExtensions({ config, serverName }: ClientParameters, grease: Grease | undefined): ClientHelloExtensions {
  const { alpnProtocols, certificateStatus, recordSizeLimit, maxFragmentLength, certificateAuthorities } = config;
  const offers13 = bestVersion(config) === TLS13;
  const groups = config.groups.filter(({ postQuantum }) => offers13 || !postQuantum);
  const schemes = config.signatureSchemes.filter(({ keyTypes12 }) => offers13 || keyTypes12.length > 0);
  return {
    ...(serverName === undefined ? {} : { server_name: serverName }),
    ...(offers13 && { supported_versions: greased(grease?.version, ids(config.versions)) }),
    supported_groups: greased(grease?.group, ids(groups)),
    // PKCS#1 rows stand here as well: they say what may sign the chain (RFC 9846 §4.3.3).
    ...(bestVersion(config) >= TLS12 && { signature_algorithms: greased(grease?.scheme, ids(schemes)) }),
    ...(certificateStatus ? { status_request: 'ocsp', signed_certificate_timestamp: true } : {}),
    ...(alpnProtocols.length > 0 ? { application_layer_protocol_negotiation: alpnProtocols } : {}),
    ...(recordSizeLimit === undefined ? {} : { record_size_limit: recordSizeLimit }),
    ...(maxFragmentLength === undefined ? {} : { max_fragment_length: Math.log2(maxFragmentLength) - 8 }),
    ...(certificateAuthorities === undefined ? {} : { certificate_authorities: certificateAuthorities }),
  };
}

/** A reserved group gets a share of one byte, in the first hello. */
function greasedShares(own: ClientHelloExtensions, grease: Grease | undefined, first: boolean): ClientHelloExtensions {
  if (grease === undefined || !first || own.key_share === undefined) return own;
  return { ...own, key_share: [{ group: grease.group, keyExchange: new Uint8Array(1) }, ...own.key_share] };
}

function greased(value: number | undefined, rest: readonly number[]): readonly number[] {
  return value === undefined ? rest : [value, ...rest];
}

/** The types that a hello of ours offers, which the server's answers may hold. */
function offeredTypes(raw: Bytes): ReadonlySet<number> {
  const { extensionList, cipherSuites } = readClientHello(new Reader(raw, 'ClientHello', 4), raw);
  // A signal among the suites asks for its extension as well (RFC 5746 §3.3).
  const signalled = cipherSuites.includes(scsv.emptyRenegotiationInfo) ? [extensionType.renegotiation_info] : [];
  return new Set([...extensionList.map(({ type }) => type), ...signalled]);
}
