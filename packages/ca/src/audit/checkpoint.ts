/**
 * A checkpoint of the audit log: how far chains reached, the hash of the checkpoint before it, and a signature by a key that is for
 * this alone. Only chains that grew since are in it; the others are in those before it, which its hash holds on to.
 *
 * As a line of a log it can be kept elsewhere. What it covers cannot be changed from then on without that line telling of it.
 *
 * @module
 */

import { createHash } from 'node:crypto';
import { type Bytes, type CryptoProvider, type PublicKeyInfo, type SignatureAlgorithm, toHex } from '@handfast/crypto';
import { keyFits } from '@handfast/x509';
import { Fields, FormError } from './fields.ts';

/** The entries of a chain that a checkpoint covers, and none before it does. */
export interface AuditHead {
  readonly writer: string;
  readonly first: number;
  readonly last: number;
  /** Of entry `last`. */
  readonly hash: string;
}

export interface AuditCheckpoint {
  /** From 1 on, without gaps. */
  readonly number: number;
  readonly at: Date;
  /** The hash of the one before; of the first it is empty. */
  readonly previous: string;
  /** Entries that the checkpoint of this number, and those before it, cover may be gone, for their age. 0: none. */
  readonly pruned: number;
  /** Ordered by writer. */
  readonly heads: readonly AuditHead[];
  /** SHA-256 of the SubjectPublicKeyInfo of whose signature it is, hexadecimal. */
  readonly key: string;
  readonly hash: string;
  readonly algorithm: SignatureAlgorithm;
  readonly signature: Bytes;
}

export type UnsignedCheckpoint = Omit<AuditCheckpoint, 'hash' | 'algorithm' | 'signature'>;

/** What is signed, and hashed. Its first line keeps it apart from all else that such a key could sign. */
export function signedBytes({ number, at, previous, pruned, heads, key }: UnsignedCheckpoint): Bytes {
  const rows = heads.map(({ writer, first, last, hash }) => [writer, first, last, hash]);
  const text = JSON.stringify([number, at.getTime(), previous, pruned, key, rows]);
  return new Uint8Array(Buffer.from(`handfast audit checkpoint 1\n${text}`));
}

export function checkpointHash(checkpoint: UnsignedCheckpoint): string {
  return createHash('sha256').update(signedBytes(checkpoint)).digest('hex');
}

export function keyIdOf(provider: Pick<CryptoProvider, 'digest'>, key: PublicKeyInfo): string {
  return toHex(provider.digest('sha256', key.spki));
}

/** Whether it is whole, and signed by one of `keys`; why not, in words. */
export async function checkpointFlaw(
  checkpoint: AuditCheckpoint,
  provider: Pick<CryptoProvider, 'digest' | 'signatures'>,
  keys: readonly PublicKeyInfo[],
): Promise<string | undefined> {
  if (checkpointHash(checkpoint) !== checkpoint.hash) return 'it was changed';
  const key = keys.find((one) => keyIdOf(provider, one) === checkpoint.key);
  if (key === undefined) return 'it is signed by another key than the audit key';
  const { algorithm, signature } = checkpoint;
  const verifier = provider.signatures[algorithm];
  if (verifier === undefined || !keyFits(algorithm, key))
    return 'its signature is of another kind than the audit key’s';
  const good = await verifier.verify(key, signedBytes(checkpoint), signature);
  return good ? undefined : 'its signature is not the audit key’s';
}

/** What a line that holds one begins with. */
export const checkpointEvent = 'audit checkpoint';

/** As a JSON line has it. */
export function checkpointJson(checkpoint: AuditCheckpoint): object {
  const { at, signature, ...rest } = checkpoint;
  return {
    event: checkpointEvent,
    ...rest,
    at: at.toISOString(),
    signature: Buffer.from(signature).toString('base64'),
  };
}

/** @throws FormError for what is none; that it was signed is another matter */
export function checkpointFrom(value: object): AuditCheckpoint {
  const fields = new Fields(value);
  if (fields.text('event') !== checkpointEvent) throw new FormError('event is another');
  const heads = fields.list('heads', maxHeads).map((head): AuditHead => {
    const one = new Fields(head);
    return { writer: one.text('writer'), first: one.count('first'), last: one.count('last'), hash: one.text('hash') };
  });
  return {
    number: fields.count('number'),
    at: fields.time('at'),
    previous: fields.text('previous'),
    pruned: fields.count('pruned'),
    heads,
    key: fields.text('key'),
    hash: fields.text('hash'),
    algorithm: fields.text('algorithm') as SignatureAlgorithm, // one that is none verifies nothing
    signature: fields.base64('signature'),
  };
}

/** Chains that one checkpoint takes at most: the next one takes further ones. */
export const maxHeads = 500;
