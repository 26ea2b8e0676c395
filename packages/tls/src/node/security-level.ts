/**
 * OpenSSL's security levels (SSL_CTX_set_security_level(3)): how many bits of security everything must have, and what that
 * asks of keys.
 *
 * @module
 */

import type { OpensslSuite } from './openssl-names.ts';

export type SecurityLevel = 0 | 1 | 2 | 3 | 4 | 5;

/** What a level asks for. */
export interface SecurityDemands {
  /** Of security: what ML-DSA's keys count, and suites. */
  readonly bits: number;
  /** The smallest modulus of RSA, DSA and Diffie-Hellman, in bits; the numbers are those of NIST SP 800-57 part 1, table 2. */
  readonly minRsaBits: number;
  /** The least `bits` of a certificate's key on a curve: secp256r1 and Ed25519 have 256. */
  readonly minCurveBits: number;
  /** Whether SHA-1 may sign: OpenSSL counts it as 64 bits. */
  readonly allowSha1: boolean;
  /** The wire number of the lowest version that is spoken: below TLS 1.2 handshakes are signed over MD5 and SHA-1. */
  readonly minVersion: number;
}

// biome-ignore format: a table
const demands: Readonly<Record<SecurityLevel, SecurityDemands>> = {
  0: { bits:   0, minRsaBits:      0, minCurveBits:   0, allowSha1: true,  minVersion: 0x0300 },
  1: { bits:  80, minRsaBits:  1_024, minCurveBits: 160, allowSha1: false, minVersion: 0x0303 },
  2: { bits: 112, minRsaBits:  2_048, minCurveBits: 224, allowSha1: false, minVersion: 0x0303 },
  3: { bits: 128, minRsaBits:  3_072, minCurveBits: 256, allowSha1: false, minVersion: 0x0303 },
  4: { bits: 192, minRsaBits:  7_680, minCurveBits: 384, allowSha1: false, minVersion: 0x0303 },
  5: { bits: 256, minRsaBits: 15_360, minCurveBits: 512, allowSha1: false, minVersion: 0x0303 },
};

/** Node 24's, where a cipher string has no `@SECLEVEL`. */
export const defaultSecurityLevel: SecurityLevel = 2;

/** What a level asks for. */
export function securityDemands(level: SecurityLevel = defaultSecurityLevel): SecurityDemands {
  return demands[level];
}

/** Whether a level has a suite for TLS 1.2 or before. */
export function allowsSuite(level: SecurityLevel, { bits, words }: OpensslSuite): boolean {
  if (bits < demands[level].bits) return false;
  if (level >= 1 && (words.has('aNULL') || words.has('MD5'))) return false;
  if (level >= 2 && words.has('RC4')) return false;
  if (level >= 3 && !forwardSecret.some((word) => words.has(word))) return false;
  // HMAC by SHA-1 counts as 160 bits.
  return demands[level].bits <= 160 || !words.has('SHA1');
}

const forwardSecret: readonly string[] = ['kECDHE', 'kDHE', 'kECDHEPSK', 'kDHEPSK'];
