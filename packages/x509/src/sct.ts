/**
 * Signed certificate timestamps (RFC 6962 §3.2, §3.3): a log's signed promise to publish a certificate. Read from a
 * certificate, an OCSP response or a handshake; verified against logs that the caller trusts (`ct-logs.ts`); and counted
 * under a policy.
 *
 * What a log signs for an embedded timestamp is the certificate's TBSCertificate without the extension that holds it, and
 * the hash of the issuer's key. That is so as well where a Precertificate Signing Certificate stood in for the issuer: the
 * log puts the issuer's name and key identifier in its place before it signs (§3.2), so that nothing of it is left to see.
 *
 * Not here: whether the log kept its promise, and the transparency of RFC 9162, which nobody runs.
 *
 * @module
 */

import {
  type Bytes,
  type CryptoProvider,
  concat,
  copyBytes,
  equalBytes,
  type MaybePromise,
  runSettling,
  type Settling,
  type SignatureAlgorithm,
  toHex,
} from '@handfast/crypto';
import { type Certificate, nameOf } from './certificate.ts';
import type { CtLog } from './ct-logs.ts';
import { extensionOids, ocspOids } from './der/oid.ts';
import { contextConstructed, type DerReader, readDer, tag } from './der/reader.ts';
import * as der from './der/writer.ts';
import { CertificateError, malformed } from './errors.ts';
import { sameName } from './names/directory.ts';
import type { OcspSingleResponse } from './ocsp/response.ts';
import { type SignatureProvider, verifySignature } from './path/signature.ts';
import { isoTime, quote } from './text.ts';

/** How a timestamp came: in the certificate, in an OCSP response, or in a TLS extension. */
export type SctSource = 'certificate' | 'ocsp' | 'tls';

/** One timestamp. Those of a version that is not ours are kept as they are. */
export type SignedCertificateTimestamp =
  | {
      readonly version: 1;
      /** The serialized structure. */
      readonly raw: Bytes;
      /** SHA-256 of the log's SubjectPublicKeyInfo. */
      readonly logId: Bytes;
      readonly timestamp: Date;
      /** None are defined. */
      readonly extensions: Bytes;
      /** `undefined` for what no log may sign with (§2.1.4). */
      readonly signatureAlgorithm: SctSignatureAlgorithm | undefined;
      readonly signature: Bytes;
    }
  | {
      readonly version: undefined;
      readonly raw: Bytes;
    };

/** RFC 6962 §2.1.4: "either ECDSA … over NIST P-256 … or RSA … with SHA-256". */
export type SctSignatureAlgorithm = Extract<SignatureAlgorithm, 'ecdsa-sha256' | 'rsa-pkcs1-sha256'>;

/** SignatureAndHashAlgorithm (RFC 5246 §7.4.1.4.1): the hash's number, then the signature's. */
const algorithms: ReadonlyMap<number, SctSignatureAlgorithm> = new Map([
  [0x0401, 'rsa-pkcs1-sha256'],
  [0x0403, 'ecdsa-sha256'],
]);

/** Timestamps in one list: certificates have two to five. Each may cost a signature. */
const maxScts = 32;

const logIdLength = 32;

/** The last moment that a Date can be (ECMA-262 §21.4.1.1). */
const maxTimestamp = 8_640_000_000_000_000n;

/**
 * A SignedCertificateTimestampList: the content of the TLS extension `signed_certificate_timestamp`.
 *
 * ```
 * opaque SerializedSCT<1..2^16-1>;
 * struct {
 *     SerializedSCT sct_list <1..2^16-1>;
 * } SignedCertificateTimestampList;
 * ```
 *
 * @throws CertificateError `malformed`
 *
 * @example
 * ```ts
 * for (const sct of parseSctList(extensionData)) if (sct.version === 1) console.log(sct.timestamp);
 * ```
 */
export function parseSctList(bytes: Uint8Array, what = 'SCT list'): readonly SignedCertificateTimestamp[] {
  const outer = new TlsReader(copyBytes(bytes), what);
  const list = new TlsReader(outer.block(), what);
  outer.end();
  const scts: SignedCertificateTimestamp[] = [];
  while (!list.done) {
    if (scts.length === maxScts) throw malformed(what, `more than ${maxScts} timestamps`);
    scts.push(readSct(list.block(), what));
  }
  if (scts.length === 0) throw malformed(what, 'an empty list');
  return scts;
}

/**
 * A SignedCertificateTimestampList of serialized timestamps, as a log answers them put together: for the TLS extension, an
 * OCSP response, or a certificate.
 *
 * @throws RangeError for no timestamp at all, or one that is empty or too long
 */
export function encodeSctList(scts: readonly Uint8Array[]): Bytes {
  if (scts.length === 0 || scts.some(({ length }) => length === 0))
    throw new RangeError('no timestamp, or an empty one');
  return block16(concat(...scts.map(block16)));
}

/** The timestamps in a certificate's own extension; none where it has none. Throws `CertificateError` `malformed`. */
export function sctsOfCertificate(certificate: Certificate): readonly SignedCertificateTimestamp[] {
  return sctsOfExtension(certificate.extension('signedCertificateTimestamps')?.value, 'SCT list of the certificate');
}

/** The timestamps in an OCSP answer; none where it has none. Throws `CertificateError` `malformed`. */
export function sctsOfOcspAnswer(answer: OcspSingleResponse): readonly SignedCertificateTimestamp[] {
  const extension = answer.extensions.find(({ oid }) => oid === ocspOids.signedCertificateTimestamps);
  return sctsOfExtension(extension?.value, 'SCT list of the OCSP response');
}

/** What became of one timestamp. */
export interface SctVerdict {
  readonly sct: SignedCertificateTimestamp;
  readonly source: SctSource;
  /**
   * `unknown_version`, `unknown_log`: nothing can be said of it, and nothing is wrong. `log_not_qualified`: the log was not
   * one to trust when it signed, or not for such a certificate.
   */
  readonly verdict:
    | 'valid'
    | 'unknown_version'
    | 'unknown_log'
    | 'log_not_qualified'
    | 'in_the_future'
    | 'bad_signature';
  readonly log: CtLog | undefined;
  /** Who ran the log when it signed. */
  readonly operator: string | undefined;
  /** In words, for people. */
  readonly why: string;
}

export interface SctOptions {
  readonly provider: SignatureProvider & Pick<CryptoProvider, 'digest'>;
  /** What the timestamps are for. */
  readonly certificate: Certificate;
  /** The certificate of the CA that issued it. */
  readonly issuer: Certificate;
  readonly scts: readonly SignedCertificateTimestamp[];
  readonly source: SctSource;
  /** The logs that are trusted: `ctLog`, or `parseLogList`. */
  readonly logs: readonly CtLog[];
  /** The clock. A timestamp of the future is refused (§5.2). */
  readonly time: Date;
}

/**
 * Verifies timestamps, each by itself: one verdict for each, in order. Synchronous where the provider is. At most one
 * signature a timestamp.
 *
 * @throws RangeError for a `time` that is none, and where `issuer` does not have the issuer's name
 *
 * @example
 * ```ts
 * const verdicts = await verifyScts({
 *   provider, certificate, issuer, scts: sctsOfCertificate(certificate), source: 'certificate', logs, time: new Date(),
 * });
 * requireScts(certificate, verdicts, webSctPolicy(certificate));
 * ```
 */
export function verifyScts(options: SctOptions): MaybePromise<readonly SctVerdict[]> {
  return runSettling(sctVerdicts(options));
}

/** `verifyScts` as a computation, for callers that are one themselves. */
export function* sctVerdicts(options: SctOptions): Settling<readonly SctVerdict[]> {
  const { certificate, issuer, scts, time } = options;
  if (Number.isNaN(time.getTime())) throw new RangeError('the time to verify timestamps at is no date');
  if (!sameName(certificate.issuer, issuer.subject)) {
    throw new RangeError('the issuer given is not the one that the certificate names');
  }
  const entry = scts.length === 0 ? new Uint8Array(0) : signedEntry(options);
  const verdicts: SctVerdict[] = [];
  for (const sct of scts) verdicts.push(yield* sctVerdict(sct, entry, options));
  return verdicts;
}

/** How many timestamps are enough, of those that are valid. Two of one log count once. */
export interface SctPolicy {
  /** From as many logs. */
  readonly logs: number;
  /** Of as many operators. */
  readonly operators: number;
  /** As many of the logs are still in use, not retired. */
  readonly current: number;
}

const day = 86_400_000;

/**
 * What browsers ask of a public certificate: two logs, three where it is valid for more than 180 days, of two operators,
 * one of them still in use (Chrome's and Apple's policies for embedded timestamps).
 */
export function webSctPolicy({ notBefore, notAfter }: Certificate): SctPolicy {
  const isLong = notAfter.getTime() - notBefore.getTime() > 180 * day;
  return { logs: isLong ? 3 : 2, operators: 2, current: 1 };
}

/** The timestamps that came with a handshake, and the path that was verified. */
export interface TransparencyQuestion {
  readonly provider: SctOptions['provider'];
  /** From the leaf to the anchor. */
  readonly path: readonly Certificate[];
  readonly time: Date;
  /** A SignedCertificateTimestampList from beside the certificate. */
  readonly timestamps?: Uint8Array | undefined;
}

/** How a peer's timestamps are looked at. A value that is passed in, so that who does not look has none of this. */
export type Transparency = (question: TransparencyQuestion) => Settling<readonly SctVerdict[]>;

/**
 * Demands timestamps of each peer's certificate, in it or beside it, by logs that are trusted. For TLS.
 *
 * @param policy how many are enough; unless given, what browsers ask of public certificates
 *
 * @example
 * ```ts
 * const config = clientConfig({ …, transparency: transparency(parseLogList(provider, json).logs) });
 * ```
 */
export function transparency(
  logs: readonly CtLog[],
  policy: (leaf: Certificate) => SctPolicy = webSctPolicy,
): Transparency {
  return function* ({ provider, path, time, timestamps }) {
    const [certificate, issuer] = path;
    // Who is trusted himself has no issuer to have asked for timestamps.
    if (certificate === undefined || issuer === undefined) return [];
    const common = { provider, certificate, issuer, logs, time };
    const verdicts = [
      ...(yield* sctVerdicts({ ...common, scts: sctsOfCertificate(certificate), source: 'certificate' })),
      ...(timestamps === undefined
        ? []
        : yield* sctVerdicts({ ...common, scts: parseSctList(timestamps), source: 'tls' })),
    ];
    requireScts(certificate, verdicts, policy(certificate));
    return verdicts;
  };
}

/**
 * Demands that a certificate's timestamps, from whichever sources, meet a policy.
 *
 * @throws CertificateError `certificate_transparency`, its message with the verdict on each
 */
export function requireScts(certificate: Certificate, verdicts: readonly SctVerdict[], policy: SctPolicy): void {
  const valid = verdicts.flatMap(({ verdict, log, operator }) =>
    verdict === 'valid' && log ? [{ log, operator }] : [],
  );
  const logs = new Map(valid.map(({ log }) => [toHex(log.id), log]));
  const operators = new Set(valid.map(({ operator }) => operator));
  const current = [...logs.values()].filter(({ state }) => state.kind !== 'retired').length;
  const missing = [
    ...(logs.size < policy.logs ? [`${logs.size} of the ${policy.logs} logs`] : []),
    ...(operators.size < policy.operators ? [`${operators.size} of the ${policy.operators} log operators`] : []),
    ...(current < policy.current ? [`${current} of the ${policy.current} logs in use`] : []),
  ];
  if (missing.length === 0) return;
  const each = verdicts.length === 0 ? 'it has no timestamp' : verdicts.map(({ why }) => why).join('; ');
  throw new CertificateError(
    'certificate_transparency',
    `certificate for ${nameOf(certificate)} is vouched for by ${missing.join(' and ')} that our policy wants: ${each}`,
    {
      certificate,
      hint: 'a list of logs that is out of date does not know new ones; else the issuer must log it again',
    },
  );
}

/**
 * ```
 * struct {
 *     Version sct_version;
 *     LogID id;
 *     uint64 timestamp;
 *     CtExtensions extensions;
 *     digitally-signed struct { … };
 * } SignedCertificateTimestamp;
 * ```
 */
function readSct(raw: Bytes, what: string): SignedCertificateTimestamp {
  const reader = new TlsReader(raw, what);
  if (reader.bytes(1)[0] !== 0) return { version: undefined, raw };
  const logId = reader.bytes(logIdLength);
  const milliseconds = reader.bytes(8).reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
  if (milliseconds > maxTimestamp) throw malformed(what, 'a timestamp that is no date');
  const extensions = reader.block();
  const algorithm = reader.number();
  const signature = reader.block();
  reader.end();
  return {
    version: 1,
    raw,
    logId,
    timestamp: new Date(Number(milliseconds)),
    extensions,
    signatureAlgorithm: algorithms.get(algorithm),
    signature,
  };
}

function sctsOfExtension(value: Bytes | undefined, what: string): readonly SignedCertificateTimestamp[] {
  if (value === undefined) return [];
  return parseSctList(
    readDer(value, what, (reader) => reader.octetString()),
    what,
  );
}

function* sctVerdict(sct: SignedCertificateTimestamp, entry: Bytes, options: SctOptions): Settling<SctVerdict> {
  const { source, time, logs, certificate, provider } = options;
  const about = { sct, source, log: undefined, operator: undefined };
  if (sct.version === undefined) {
    return { ...about, verdict: 'unknown_version', why: `a timestamp of version ${(sct.raw[0] ?? 0) + 1}` };
  }
  const log = logs.find(({ id }) => equalBytes(id, sct.logId));
  if (log === undefined) {
    return { ...about, verdict: 'unknown_log', why: `log ${toHex(sct.logId)} is not on our list` };
  }
  const known = { ...about, log, operator: operatorAt(log, sct.timestamp) };
  const name = `log ${quote(log.name)}`;
  if (sct.timestamp.getTime() > time.getTime()) {
    const why = `${name} gave a timestamp of ${isoTime(sct.timestamp)}, and our clock says ${isoTime(time)}`;
    return { ...known, verdict: 'in_the_future', why };
  }
  const unqualified = qualification(log, sct.timestamp, source, certificate);
  if (unqualified !== undefined) return { ...known, verdict: 'log_not_qualified', why: `${name} ${unqualified}` };
  const isGood = yield* logSigned(provider, log, sct, entry);
  return isGood
    ? { ...known, verdict: 'valid', why: `${name} is good` }
    : { ...known, verdict: 'bad_signature', why: `the signature of ${name} does not verify` };
}

function operatorAt({ operator, previousOperators }: CtLog, timestamp: Date): string {
  return previousOperators.find(({ until }) => timestamp.getTime() < until.getTime())?.name ?? operator;
}

/** Why a log's word does not count; `undefined` where it does. */
function qualification(
  { state, expiry }: CtLog,
  timestamp: Date,
  source: SctSource,
  { notAfter }: Certificate,
): string | undefined {
  if (state.kind === 'pending' || state.kind === 'rejected') return `is ${state.kind}`;
  if (state.kind === 'retired') {
    // An embedded timestamp cannot be replaced, so it outlives its log; a server's can.
    if (source !== 'certificate') return 'is retired, which only a timestamp in a certificate outlives';
    if (timestamp.getTime() >= state.since.getTime()) {
      return `was retired at ${isoTime(state.since)}, and its timestamp is of ${isoTime(timestamp)}`;
    }
  }
  if (expiry !== undefined && (notAfter < expiry.from || notAfter >= expiry.before)) {
    return `takes certificates that expire from ${isoTime(expiry.from)} to ${isoTime(expiry.before)}`;
  }
  return undefined;
}

function* logSigned(
  provider: SignatureProvider,
  log: CtLog,
  sct: SignedCertificateTimestamp & { version: 1 },
  entry: Bytes,
): Settling<boolean> {
  const { signatureAlgorithm: algorithm, signature } = sct;
  if (algorithm === undefined) return false;
  if (log.key.type !== (algorithm === 'ecdsa-sha256' ? 'secp256r1' : 'rsa')) return false;
  try {
    return yield* verifySignature(provider, log.key, algorithm, signedData(sct, entry), signature);
  } catch (error) {
    // A key that the provider cannot use has signed nothing that we could tell.
    if (error instanceof CertificateError) return false;
    throw error;
  }
}

/**
 * ```
 * digitally-signed struct {
 *     Version sct_version;
 *     SignatureType signature_type = certificate_timestamp;
 *     uint64 timestamp;
 *     LogEntryType entry_type;
 *     select(entry_type) {
 *         case x509_entry: ASN.1Cert;
 *         case precert_entry: PreCert;
 *     } signed_entry;
 *     CtExtensions extensions;
 * };
 * ```
 */
function signedData(sct: SignedCertificateTimestamp & { version: 1 }, entry: Bytes): Bytes {
  const version = 0;
  const certificateTimestamp = 0;
  const timestamp = sct.raw.subarray(1 + logIdLength, 1 + logIdLength + 8);
  return concat(Uint8Array.of(version, certificateTimestamp), timestamp, entry, block16(sct.extensions));
}

/** entry_type and signed_entry. */
function signedEntry({ certificate, issuer, source, provider }: SctOptions): Bytes {
  if (source !== 'certificate') return concat(Uint8Array.of(0, 0), block24(certificate.raw));
  return concat(
    Uint8Array.of(0, 1),
    provider.digest('sha256', issuer.spki),
    block24(withoutSctExtension(certificate.tbs)),
  );
}

/** The TBSCertificate as its log saw it: all but one of its extensions, byte for byte. */
function withoutSctExtension(tbs: Bytes): Bytes {
  return readDer(tbs, 'TBSCertificate', (reader) => {
    const fields = reader.sequence();
    const parts = fields.list(() => {
      const field = fields.element();
      return field.tag === contextConstructed(3) ? extensionsWithoutScts(fields.within(field.content)) : field.raw;
    });
    return der.sequence(...parts);
  });
}

function extensionsWithoutScts(wrapper: DerReader): Bytes {
  const list = wrapper.sequence();
  const kept = list
    .list(() => list.element(tag.sequence))
    .filter(({ content }) => list.within(content).oid() !== extensionOids.signedCertificateTimestamps);
  // A list of extensions is never empty: where the timestamps stood alone, the field goes with them.
  return kept.length === 0 ? new Uint8Array(0) : der.explicit(3, der.sequence(...kept.map(({ raw }) => raw)));
}

/** Reads TLS vectors and numbers (RFC 5246 §4). */
class TlsReader {
  readonly #bytes: Bytes;
  readonly #what: string;
  #at = 0;

  constructor(bytes: Bytes, what: string) {
    this.#bytes = bytes;
    this.#what = what;
  }

  get done(): boolean {
    return this.#at === this.#bytes.length;
  }

  end(): void {
    if (!this.done) throw malformed(this.#what, `${this.#bytes.length - this.#at} bytes too many`);
  }

  bytes(length: number): Bytes {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw malformed(this.#what, `cut short (at byte ${this.#at})`);
    const out = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return out;
  }

  /** A uint16. */
  number(): number {
    return this.bytes(2).reduce((value, byte) => value * 256 + byte, 0);
  }

  /** An opaque<0..2^16-1>. */
  block(): Bytes {
    return this.bytes(this.number());
  }
}

function block16(content: Uint8Array): Bytes {
  if (content.length > 0xffff) throw new RangeError(`${content.length} bytes where 65535 fit`);
  return concat(Uint8Array.of(content.length >> 8, content.length), content);
}

function block24(content: Uint8Array): Bytes {
  return concat(Uint8Array.of(content.length >> 16, content.length >> 8, content.length), content);
}
