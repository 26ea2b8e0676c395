/**
 * Rows for a web provider that WebCrypto does not have everywhere, by WebCrypto where it does and else by noble: X448, Ed448 and
 * ML-DSA (FIPS 204); and what opens files under a password. Import the ones that are wanted, or `fullWebProvider` for all.
 *
 * @module
 */

import type { CryptoProvider } from '../provider.ts';
import { ed448, ed448Keys } from './ed448.ts';
import { createWebProvider, type WebProviderRows } from './index.ts';
import { mlDsa44, mlDsa44Keys, mlDsa65, mlDsa65Keys, mlDsa87, mlDsa87Keys } from './ml-dsa.ts';
import { passwords } from './passwords.ts';
import { x448 } from './x448.ts';

export { ed448, ed448Keys, mlDsa44, mlDsa44Keys, mlDsa65, mlDsa65Keys, mlDsa87, mlDsa87Keys, passwords, x448 };

/** Every row of this module, for `createWebProvider`. */
export const fullRows: Required<Omit<WebProviderRows, 'aeads'>> = {
  groups: { x448 },
  signatures: { ed448, 'ml-dsa-44': mlDsa44, 'ml-dsa-65': mlDsa65, 'ml-dsa-87': mlDsa87 },
  privateKeys: [ed448Keys, mlDsa44Keys, mlDsa65Keys, mlDsa87Keys],
  passwords,
};

/** A web provider with every row. */
export const fullWebProvider: CryptoProvider = /* @__PURE__ */ createWebProvider(fullRows);
