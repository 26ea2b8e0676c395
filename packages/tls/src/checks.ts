/**
 * Checks that client and server, of any version, make alike: shares, ALPN's answer, the sizes of records.
 *
 * @module
 */

import { CryptoError } from '@handfast/crypto';
import type { ClientConfig, ServerConfig } from './config.ts';
import { TlsError } from './errors.ts';
import type { FlowHost } from './flow.ts';
import type { ClientHelloExtensions, EncryptedExtensionsValues } from './messages/extensions.ts';
import type { NamedGroup } from './registry.ts';

/** A provider's refusal of a share is the peer's fault; anything else is ours. */
export function badShare(error: unknown, message: string, group: Pick<NamedGroup, 'name'>): unknown {
  if (!(error instanceof CryptoError) || error.code !== 'invalid_share') return error;
  return new TlsError('illegal_parameter', `${message}: the ${group.name} share is invalid: ${error.message}`, {
    cause: error,
  });
}

/** A provider's refusal of the key in a peer's certificate is the peer's fault as well. */
export function badKey(error: unknown, message: string): unknown {
  if (!(error instanceof CryptoError) || error.code !== 'invalid_key') return error;
  return new TlsError('certificate_malformed', `${message}: the key of the certificate is none: ${error.message}`, {
    cause: error,
  });
}

/** Answers of a server that stand in EncryptedExtensions, and before TLS 1.3 in ServerHello. */
type ServerAnswers = Pick<
  EncryptedExtensionsValues,
  'application_layer_protocol_negotiation' | 'max_fragment_length' | 'record_size_limit'
>;

/** The protocol that the server chose: one of ours. */
export function checkAlpn(
  message: string,
  { application_layer_protocol_negotiation: chosen }: ServerAnswers,
  { alpnProtocols }: ClientConfig,
): string | undefined {
  if (chosen !== undefined && !alpnProtocols.includes(chosen)) {
    throw new TlsError('illegal_parameter', `${message}: the server chose an ALPN protocol that we did not offer`);
  }
  return chosen;
}

/**
 * The client's side of record_size_limit (RFC 8449) and max_fragment_length (RFC 6066 §4).
 * @param most the largest record_size_limit that this version knows.
 */
export function applySizeLimits(
  host: FlowHost,
  message: string,
  most: number,
  { record_size_limit: limit, max_fragment_length: code }: ServerAnswers,
  { recordSizeLimit, maxFragmentLength }: ClientConfig,
): void {
  if (code !== undefined) {
    if (limit !== undefined) {
      throw new TlsError('illegal_parameter', `${message}: max_fragment_length beside record_size_limit`);
    }
    if (2 ** (8 + code) !== maxFragmentLength) {
      throw new TlsError('illegal_parameter', `${message}: max_fragment_length ${code} is not what we asked for`);
    }
    host.records.setMaxFragment(maxFragmentLength);
  }
  if (limit === undefined) return;
  checkRecordSizeLimit(limit, message);
  if (limit > most) {
    throw new TlsError(
      'illegal_parameter',
      `${message}: record_size_limit is ${limit}, beyond ${most.toLocaleString('en')}`,
    );
  }
  host.records.setRecordSizeLimits({ peer: limit, ...(recordSizeLimit === undefined ? {} : { own: recordSizeLimit }) });
}

/** What a server answers to a hello's wishes about sizes, and what it then keeps to. */
export interface SizeLimits {
  readonly answer: ServerAnswers;
  readonly apply: (records: FlowHost['records']) => void;
}

/** @param most the largest record_size_limit that this version knows. */
export function agreeSizeLimits(
  { record_size_limit: peer, max_fragment_length: code }: ClientHelloExtensions,
  { recordSizeLimit }: ServerConfig,
  most: number,
): SizeLimits {
  // RFC 8449 §5: who knows record_size_limit ignores the older one.
  if (peer !== undefined) {
    checkRecordSizeLimit(peer, 'ClientHello');
    const own = Math.min(recordSizeLimit ?? most, most);
    return { answer: { record_size_limit: own }, apply: (records) => records.setRecordSizeLimits({ peer, own }) };
  }
  if (code === undefined) return { answer: {}, apply: () => undefined };
  if (code < 1 || code > 4) {
    throw new TlsError('illegal_parameter', `ClientHello: max_fragment_length is ${code}, where 1 to 4 are legal`);
  }
  return { answer: { max_fragment_length: code }, apply: (records) => records.setMaxFragment(2 ** (8 + code)) };
}

/** RFC 8449 §4: below 64 is illegal. */
function checkRecordSizeLimit(limit: number, message: string): void {
  if (limit < 64) {
    throw new TlsError('illegal_parameter', `${message}: record_size_limit is ${limit}, where 64 is the least`);
  }
}
