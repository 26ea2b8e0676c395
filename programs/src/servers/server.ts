/**
 * What a server of Debian's is to the rig.
 *
 * @module
 */

import type { Pki } from '../pki.ts';

/** A server that runs. */
export interface Started {
  /** What programs are told, beside the files of the certificates. */
  readonly given: Readonly<Record<string, string | number>>;
  stop(): Promise<void>;
}

export interface Server {
  readonly name: string;
  /** Its first line about itself; undefined where it is not installed. */
  version(): string | undefined;
  /** @param folder its own, empty. */
  start(folder: string, pki: Pki): Promise<Started>;
}
