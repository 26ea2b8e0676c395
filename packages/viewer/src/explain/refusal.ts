/**
 * What a refusal means, for somebody who meets it for the first time: one table of words for the page, the command line, the doctor
 * and docs/errors.md. What exactly was found is the error's own message to say.
 *
 * @module
 */

import { certificateRefusals } from './certificates.ts';
import { connectionRefusals } from './connections.ts';

/** Who has to act, seen from the side that found the fault; `ca` is who issued the other side's certificate. */
export type Turn = 'this side' | 'peer' | 'ca' | 'network' | 'either';

export interface Refusal {
  /** One short line without a full stop: `The certificate has expired`. */
  readonly title: string;
  /** Why that ends a connection, in a sentence or two. */
  readonly cause: string;
  readonly turn: Turn;
  /** What to do, behind “What to do:” and before a full stop. */
  readonly remedy: string;
}

/** What there is to know of a failure: of a `TlsError`, or as a recording has it. */
export interface FailureCodes {
  readonly code: string;
  /** Of the `CertificateError` behind it. */
  readonly certificateCode?: string | undefined;
  readonly origin: 'local' | 'peer';
  /** What was sent, or came. */
  readonly alert?: string | null | undefined;
}

/** By own properties alone: a recording's strings are anybody's. */
const byCertificateCode: ReadonlyMap<string, Refusal> = new Map(Object.entries(certificateRefusals));
const byCode: ReadonlyMap<string, Refusal> = new Map(Object.entries(connectionRefusals));

/** Most alerts have the name of the code that sends them. */
const byAlert: ReadonlyMap<string, Refusal> = new Map([
  ...byCode,
  ['unknown_ca', connectionRefusals.certificate_unknown_issuer],
  ['unsupported_certificate', connectionRefusals.certificate_unsupported],
  // The client says it of itself, in SSL 3.0; the code of that name is a server's.
  ['no_certificate', { ...connectionRefusals.certificate_required, turn: 'this side' }],
]);

/** Of another version's recording, or of a file that was changed. */
const unknown: Refusal = {
  title: 'A failure that this version does not know',
  cause: 'Its code is of another version, or somebody has made it up. What was found, only the message says.',
  turn: 'either',
  remedy: 'read the message',
};

/**
 * The words for a failure. Where an alert is all that is known, the alert is explained; of the other side's, `turn` is turned: it is
 * still seen from this side.
 */
export function refusalOf({ code, certificateCode, origin, alert }: FailureCodes): Refusal {
  const told = code === 'peer_alert' ? byAlert.get(alert ?? '') : undefined;
  if (told !== undefined) return origin === 'peer' ? { ...told, turn: turned(told.turn) } : told;
  return byCertificateCode.get(certificateCode ?? '') ?? byCode.get(code) ?? unknown;
}

/** Of the other side's certificate, this side's CA is this side's to ask. */
function turned(turn: Turn): Turn {
  if (turn === 'peer' || turn === 'ca') return 'this side';
  return turn === 'this side' ? 'peer' : turn;
}

/** Whose turn it is, for a sentence: `the server’s`. @param finder the side that `turn` is seen from */
export function whoseTurn(turn: Turn, finder: 'client' | 'server'): string {
  const other = finder === 'client' ? 'server' : 'client';
  const whose: Readonly<Record<Turn, string>> = {
    'this side': `the ${finder}’s`,
    peer: `the ${other}’s`,
    ca: `that of the CA that issued the ${other}’s certificate`,
    network: 'that of whoever runs the network in between',
    either: 'either side’s',
  };
  return whose[turn];
}
