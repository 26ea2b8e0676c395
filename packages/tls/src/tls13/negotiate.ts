/**
 * What a server chooses from a ClientHello (RFC 9846 §4.2.1): suite, group, protocol; and what it refuses in one.
 *
 * @module
 */

import { equalBytes } from '@handfast/crypto';
import type { ServerConfig } from '../config.ts';
import { type SchemeRule, signerAlgorithm } from '../credentials.ts';
import { TlsError } from '../errors.ts';
import type { ClientHello } from '../messages/client-hello.ts';
import type { ClientHelloExtensions, KeyShareEntry, RawExtension } from '../messages/extensions.ts';
import { pskKe } from '../psk-modes.ts';
import {
  type CipherSuite,
  extensionName,
  extensionType,
  groupById,
  hexId,
  type NamedGroup,
  nameIn,
  TLS12,
  type Tls13CipherSuite,
} from '../registry.ts';

/** A hello in which everything that a certificate handshake needs is there. */
export interface CheckedHello {
  readonly hello: ClientHello;
  readonly supportedGroups: readonly number[];
  readonly keyShares: readonly KeyShareEntry[];
  /** Undefined where a pre-shared key is offered and the client would have no certificate in its place. */
  readonly signatureAlgorithms: readonly number[] | undefined;
  readonly signatureAlgorithmsCert: readonly number[] | undefined;
}

/** RFC 9846 §4.2.2 and §9.2: what every 1.3 hello must be. */
export function checkClientHello(hello: ClientHello): CheckedHello {
  const { extensions } = hello;
  if (hello.legacyVersion !== TLS12) {
    throw new TlsError('protocol_version', `ClientHello: legacy_version is ${hexId(hello.legacyVersion)}, not 0x0303`);
  }
  const compression = hello.legacyCompressionMethods;
  if (compression.length !== 1 || compression[0] !== 0) {
    throw new TlsError('illegal_parameter', 'ClientHello: compression methods other than null alone');
  }
  checkPreSharedKey(hello);
  // RFC 9846 §9.2: one not without the other, and neither where a pre-shared key alone may do.
  const alone = extensions.pre_shared_key && extensions.psk_key_exchange_modes?.includes(pskKe.id);
  const without = alone && extensions.key_share === undefined && extensions.supported_groups === undefined;
  const keyShares = without ? [] : required(extensions, 'key_share');
  const supportedGroups = without ? [] : required(extensions, 'supported_groups');
  const signatureAlgorithms = extensions.pre_shared_key
    ? extensions.signature_algorithms
    : required(extensions, 'signature_algorithms');
  const seen = new Set<number>();
  for (const { group } of keyShares) {
    const name = nameIn(groupById, group);
    if (seen.has(group)) throw new TlsError('illegal_parameter', `ClientHello: two key shares of ${name}`);
    if (!supportedGroups.includes(group)) {
      throw new TlsError(
        'illegal_parameter',
        `ClientHello: a key share of ${name}, which supported_groups does not list`,
      );
    }
    seen.add(group);
  }
  return {
    hello,
    supportedGroups,
    keyShares,
    signatureAlgorithms,
    signatureAlgorithmsCert: extensions.signature_algorithms_cert ?? signatureAlgorithms,
  };
}

function required<N extends keyof ClientHelloExtensions>(
  extensions: ClientHelloExtensions,
  name: N,
): NonNullable<ClientHelloExtensions[N]> {
  const value = extensions[name];
  if (value === undefined || value === null) {
    throw new TlsError('missing_extension', `ClientHello: ${name} is missing`);
  }
  return value;
}

/** RFC 9846 §4.3.9, §4.3.11: also where no key is going to be used. */
function checkPreSharedKey({ extensions, extensionList }: ClientHello): void {
  const offer = extensions.pre_shared_key;
  if (offer === undefined) return;
  if (extensionList.at(-1)?.type !== extensionType.pre_shared_key) {
    throw new TlsError('illegal_parameter', 'ClientHello: pre_shared_key is not its last extension');
  }
  if (extensions.psk_key_exchange_modes === undefined) {
    throw new TlsError('missing_extension', 'ClientHello: pre_shared_key came without psk_key_exchange_modes');
  }
  if (offer.identities.length !== offer.binders.length) {
    throw new TlsError(
      'illegal_parameter',
      `ClientHello: ${offer.identities.length} identities and ${offer.binders.length} binders in pre_shared_key`,
    );
  }
}

/** Which schemes sign TLS 1.3's handshake (RFC 9846 §4.3.3). */
export const rule13: SchemeRule = (scheme, credential) =>
  scheme.handshake &&
  scheme.keyType === credential.signer.publicKey.type &&
  signerAlgorithm(credential, scheme) !== undefined;

/** TLS 1.3's among a config's suites. */
export function suites13(suites: readonly CipherSuite[]): readonly Tls13CipherSuite[] {
  return suites.filter((suite) => suite.family === 'tls13');
}

/** The suites that both have, best first. */
export function commonSuites(
  { cipherSuites, preferClientOrder }: ServerConfig,
  hello: ClientHello,
): readonly [Tls13CipherSuite, ...Tls13CipherSuite[]] {
  const [first, ...rest] = preferred(suites13(cipherSuites), hello.cipherSuites, preferClientOrder);
  if (first !== undefined) return [first, ...rest];
  const offered = hello.cipherSuites.slice(0, 8).map(hexId).join(', ');
  throw new TlsError('handshake_failure', `no cipher suite in common: the client offers ${offered}`);
}

export interface GroupChoice {
  readonly group: NamedGroup;
  /** The client's share; undefined: a HelloRetryRequest must ask for it. */
  readonly share: KeyShareEntry | undefined;
}

/**
 * The group, by preference, but without a round trip where two are as good: post-quantum groups are better than the
 * others; within each kind one whose share has come wins.
 */
export function chooseGroup({ groups, preferClientOrder }: ServerConfig, checked: CheckedHello): GroupChoice {
  required(checked.hello.extensions, 'key_share');
  const common = preferred(groups, checked.supportedGroups, preferClientOrder);
  const [first] = common;
  if (first === undefined) {
    const offered = checked.supportedGroups.slice(0, 8).map((id) => nameIn(groupById, id));
    throw new TlsError('handshake_failure', `no group in common: the client offers ${offered.join(', ')}`);
  }
  const postQuantum = common.some((group) => group.postQuantum);
  for (const group of common) {
    const share = checked.keyShares.find((entry) => entry.group === group.id);
    if (share !== undefined && group.postQuantum === postQuantum) return { group, share };
  }
  const group = common.find((candidate) => candidate.postQuantum === postQuantum) ?? first;
  return { group, share: undefined };
}

/** What both have, by our order or the client's. */
export function preferred<R extends { readonly id: number }>(
  ours: readonly R[],
  theirs: readonly number[],
  clientOrder: boolean | undefined,
): readonly R[] {
  if (!clientOrder) return ours.filter(({ id }) => theirs.includes(id));
  return theirs.flatMap((id) => ours.find((row) => row.id === id) ?? []);
}

/** What the second hello may change (RFC 9846 §4.2.2). */
const mayChange: readonly (keyof typeof extensionType)[] = [
  'key_share',
  'early_data',
  'cookie',
  'pre_shared_key',
  'padding',
];

/** Compares the hello after a HelloRetryRequest with the first, as RFC 9846 §4.2.2 asks. */
export function checkSecondHello(
  first: ClientHello,
  second: CheckedHello,
  retry: { readonly group: NamedGroup; readonly cookie: Uint8Array | undefined },
): KeyShareEntry {
  const { hello } = second;
  const refuse = (what: string): TlsError => new TlsError('illegal_parameter', `second ClientHello: ${what}`);
  if (!equalBytes(first.random, hello.random)) throw refuse('random changed');
  if (!equalBytes(first.legacySessionId, hello.legacySessionId)) throw refuse('legacy_session_id changed');
  if (first.cipherSuites.join() !== hello.cipherSuites.join()) throw refuse('cipher_suites changed');
  compareExtensions(first.extensionList, hello.extensionList, refuse);
  if (hello.extensions.early_data) throw refuse('early_data is still there');
  if (!isPartOf(identitiesOf(hello), identitiesOf(first))) throw refuse('pre_shared_key offers what the first did not');
  const { cookie } = hello.extensions;
  if (retry.cookie === undefined ? cookie !== undefined : !cookie || !equalBytes(cookie, retry.cookie)) {
    throw refuse('its cookie is not the one of HelloRetryRequest');
  }
  const [share, ...more] = second.keyShares;
  if (share === undefined || more.length > 0 || share.group !== retry.group.id) {
    throw refuse(`it must hold one key share, of ${retry.group.name}`);
  }
  return share;
}

function identitiesOf({ extensions }: ClientHello): readonly Uint8Array[] {
  return extensions.pre_shared_key?.identities.map(({ identity }) => identity) ?? [];
}

/** Whether `some` are among `all`, in their order. */
function isPartOf(some: readonly Uint8Array[], all: readonly Uint8Array[]): boolean {
  let at = 0;
  for (const one of all) if (at < some.length && equalBytes(some[at] as Uint8Array, one)) at++;
  return at === some.length;
}

function compareExtensions(
  first: readonly RawExtension[],
  second: readonly RawExtension[],
  refuse: (what: string) => TlsError,
): void {
  const fixed = (list: readonly RawExtension[]): readonly RawExtension[] =>
    list.filter(({ type }) => mayChange.every((name) => extensionType[name] !== type));
  const before = fixed(first);
  const after = fixed(second);
  for (const [index, { type, data }] of before.entries()) {
    const other = after[index];
    if (other?.type !== type || !equalBytes(other.data, data)) throw refuse(`extension ${extensionName(type)} changed`);
  }
  const added = after[before.length];
  if (added !== undefined) throw refuse(`extension ${extensionName(added.type)} was added`);
}
