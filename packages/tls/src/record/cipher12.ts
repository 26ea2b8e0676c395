/**
 * How a suite of TLS 1.2 or earlier protects records, as a row: what it takes of the key block, and what it makes of it.
 * AEADs are in `protection12.ts`; everything else is reached through `legacy/`.
 *
 * @module
 */

import type { Cryptography } from '@handfast/crypto';
import type { Protection } from './protection.ts';

/** One direction's part of the key block (RFC 5246 §6.3). */
export interface DirectionKeys {
  readonly macKey: Uint8Array;
  readonly key: Uint8Array;
  readonly iv: Uint8Array;
}

export interface ProtectionOptions {
  /** The version's wire number, which stands in every record. */
  readonly version: number;
  /** Whether encrypt_then_mac (RFC 7366) was agreed on. */
  readonly encryptThenMac: boolean;
}

export interface RecordCipher {
  /** Bytes of the key block, for each direction. */
  readonly macKeyLength: number;
  readonly keyLength: number;
  readonly ivLength: number;
  /** Whether encrypt_then_mac changes anything: it does for CBC alone. */
  readonly encryptsThenMacs: boolean;
  readonly supportedBy: (provider: Cryptography) => boolean;
  /** The keys' bytes are copied: the caller wipes its own. */
  readonly protection: (provider: Cryptography, keys: DirectionKeys, options: ProtectionOptions) => Protection;
}
