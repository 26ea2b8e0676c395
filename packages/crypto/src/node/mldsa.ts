/**
 * ML-DSA (FIPS 204) by noble, for a Node whose OpenSSL lacks it (before 24.7); where OpenSSL has it, nothing here is used.
 *
 * @module
 */

import { generateKeyPairSync } from 'node:crypto';
import { type MlDsaName, mlDsaByNoble } from '../noble-ml-dsa.ts';
import type { NobleSignature } from '../noble-signature.ts';
import type { KeyType, SignatureAlgorithm } from '../provider.ts';
import { loadNoble } from './noble.ts';

export function isMlDsa(name: KeyType | SignatureAlgorithm): name is MlDsaName {
  return name.startsWith('ml-dsa-');
}

let native: boolean | undefined;

export function hasNativeMlDsa(): boolean {
  native ??= canGenerate();
  return native;
}

function canGenerate(): boolean {
  try {
    generateKeyPairSync('ml-dsa-44');
    return true;
  } catch {
    return false;
  }
}

let rows: Readonly<Partial<Record<MlDsaName, NobleSignature>>> | undefined;

/** noble's ML-DSA; empty where it is not installed. */
export function nobleMlDsa(): Readonly<Partial<Record<MlDsaName, NobleSignature>>> {
  rows ??= load();
  return rows;
}

function load(): Readonly<Partial<Record<MlDsaName, NobleSignature>>> {
  const noble = loadNoble('ml-dsa');
  if (noble === undefined) return {};
  return {
    'ml-dsa-44': mlDsaByNoble('ml-dsa-44', noble.ml_dsa44),
    'ml-dsa-65': mlDsaByNoble('ml-dsa-65', noble.ml_dsa65),
    'ml-dsa-87': mlDsaByNoble('ml-dsa-87', noble.ml_dsa87),
  };
}
