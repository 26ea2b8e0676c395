/**
 * What several of the lines have that `connect` and `serve` write with `--json`: as types, and as the shapes that
 * `events.schema.json` is written from.
 *
 * @module
 */

import {
  type Fields,
  flag,
  list,
  nullable,
  number,
  object,
  oneOf,
  optional,
  type Shape,
  text,
} from '@handfast/viewer/shape';
import { type ExitCode, exitCodes } from '../exit.ts';

/** A path that was tried, leaf first. */
export interface PathLine {
  readonly certificates: readonly string[];
  /** Which of them was refused. */
  readonly refused: string;
  readonly rule: string;
  readonly message: string;
}

export interface ErrorFields {
  readonly message: string;
  /** Of `TlsError` or `CertificateError`; of the system (`ECONNREFUSED`); `cli`: an option, a file, a proxy; `internal`: a fault. */
  readonly code: string;
  /** What the command ends with, if it does because of this. */
  readonly exitCode: ExitCode;
  readonly hint: string | null;
  /** These four of an error of TLS. */
  readonly alert?: string | null;
  readonly origin?: 'local' | 'peer';
  readonly phase?: 'handshake' | 'connected' | 'closing' | 'closed';
  readonly state?: string | null;
  /** Where a certificate was refused. */
  readonly paths?: readonly PathLine[];
}

export interface PeerLine {
  /** Names of the certificates, as they were sent. */
  readonly chain: readonly string[];
  readonly verified: boolean;
}

/** What both sides agreed on. */
export interface NegotiatedFields {
  readonly version: string;
  readonly cipherSuite: string;
  readonly group: string | null;
  readonly postQuantum: boolean;
  readonly alpnProtocol: string | null;
  readonly serverName: string | null;
  readonly helloRetryRequest: boolean;
  readonly earlyData: 'accepted' | 'rejected' | null;
  readonly resumed: boolean;
  readonly signatureScheme: string | null;
  readonly peerSignatureScheme: string | null;
  readonly peer: PeerLine | null;
}

/** The command's own words, and a peer's, escaped. */
export const said: Shape<string> = text(Number.POSITIVE_INFINITY);
export const names: Shape<readonly string[]> = list(said, Number.POSITIVE_INFINITY);
export const count: Shape<number> = number('integer', 0, Number.MAX_SAFE_INTEGER);
export const role: Shape<'client' | 'server'> = oneOf('client', 'server');

const path: Shape<PathLine> = object<PathLine>({ certificates: names, refused: said, rule: said, message: said });

export const errorFields: Fields<ErrorFields> = {
  message: said,
  code: said,
  exitCode: oneOf<ExitCode>(...Object.values(exitCodes)),
  hint: nullable(said),
  alert: optional(nullable(said)),
  origin: optional(oneOf('local', 'peer')),
  phase: optional(oneOf('handshake', 'connected', 'closing', 'closed')),
  state: optional(nullable(said)),
  paths: optional(list(path, Number.POSITIVE_INFINITY)),
};

const peer: Shape<PeerLine> = object<PeerLine>({ chain: names, verified: flag });

export const negotiatedFields: Fields<NegotiatedFields> = {
  version: said,
  cipherSuite: said,
  group: nullable(said),
  postQuantum: flag,
  alpnProtocol: nullable(said),
  serverName: nullable(said),
  helloRetryRequest: flag,
  earlyData: nullable(oneOf('accepted', 'rejected')),
  resumed: flag,
  signatureScheme: nullable(said),
  peerSignatureScheme: nullable(said),
  peer: nullable(peer),
};
