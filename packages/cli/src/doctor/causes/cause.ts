/**
 * A row of the diagnosis table: a cause, how it is told from the evidence, whose it is to put right, and how. The same rows
 * are docs/errors.md.
 *
 * @module
 */

import type { TlsErrorCode } from '@handfast/tls';
import type { CertificateErrorCode } from '@handfast/x509';
import type { Evidence, ProbeId } from '../evidence.ts';

/** Who has to act. `client` is whoever connects: this machine, its options, the person who typed them. */
export type Side = 'server' | 'client' | 'network' | 'ca';

/** `certain`: what was seen allows nothing else. `likely`: it is so nearly always. `possible`: one reading of several. */
export type Certainty = 'certain' | 'likely' | 'possible';

export interface Found {
  readonly certainty: Certainty;
  /** What is wrong here, in full sentences; strings of the server's in it are escaped. */
  readonly says: string;
  /** Where this case differs from the row. */
  readonly side?: Side;
  readonly remedy?: string;
  /** The probes that show it; unless set, `main`. */
  readonly probes?: readonly ProbeId[];
}

export interface Cause {
  /** Stable: programs match on it. */
  readonly id: string;
  readonly title: string;
  readonly side: Side;
  /** How it is told, and how sure that is: for the reference. */
  readonly told: string;
  readonly remedy: string;
  /** The errors of @handfast/tls that a program gets of it. */
  readonly codes?: readonly TlsErrorCode[];
  /** The rule of @handfast/x509 that refuses the certificate. */
  readonly rules?: readonly CertificateErrorCode[];
  readonly find: (evidence: Evidence) => Found | undefined;
}

/** Rows of which, in some groups, only the first that fits is told: the others would be guesses about the same fact. */
export interface CauseGroup {
  readonly title: string;
  readonly kind: 'problem' | 'note';
  readonly firstAlone: boolean;
  readonly causes: readonly Cause[];
}
