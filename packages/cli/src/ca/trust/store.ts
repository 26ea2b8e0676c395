/**
 * What each store of trusted roots on a machine can do: say whether a root is in it, take one, and drop it again.
 *
 * @module
 */

import type { Certificate } from '@handfast/x509';

/** A root and where it lies. */
export interface Root {
  readonly file: string;
  readonly certificate: Certificate;
  /** What it is called in a store: no two roots share one. */
  readonly nickname: string;
}

/** `cannot tell`: what it takes to look is not there. */
export type TrustState = 'trusted' | 'not trusted' | 'cannot tell';

export interface Store {
  readonly name: 'system' | 'chromium' | 'firefox' | 'java';
  readonly where: string;
  state(root: Root): Promise<TrustState>;
  /** Whether anything of it is left, trusted or not: what lies there may be taken up later. */
  holds(root: Root): Promise<boolean>;
  /** @returns what went wrong, if anything did */
  install(root: Root): Promise<string | undefined>;
  uninstall(root: Root): Promise<string | undefined>;
}
