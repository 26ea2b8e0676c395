/**
 * The words of causes that are exactly what a code of `CertificateError` says: the viewer's table has them.
 *
 * @module
 */

import { certificateRefusals, type Turn } from '@handfast/viewer';
import type { CertificateErrorCode } from '@handfast/x509';
import type { Cause, Side } from './cause.ts';

/** The doctor looks at a server's certificate, for a client. */
const sideOf: Readonly<Record<Turn, Side>> = {
  'this side': 'client',
  peer: 'server',
  ca: 'ca',
  network: 'network',
  either: 'server',
};

export function wordsOf(code: CertificateErrorCode): Pick<Cause, 'title' | 'side' | 'remedy'> {
  const { title, turn, remedy } = certificateRefusals[code];
  return { title, side: sideOf[turn], remedy };
}
