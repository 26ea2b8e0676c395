/**
 * What the doctor's probes have seen, as values: `diagnose` reads nothing else. Every string of the server's in it is
 * raw; whoever prints it escapes it.
 *
 * @module
 */

import type { AlertName, Negotiated, TlsErrorCode } from '@handfast/tls';
import type { Certificate, CertificateError, RevocationVerdict } from '@handfast/x509';
import type { HostPort } from '../options.ts';

/** A way of connecting. */
export type ProbeId =
  /** As `connect` does, with what the options say. */
  | 'main'
  | 'again'
  /** Without post-quantum groups: a hello that fits one packet. */
  | 'classical'
  /** TLS 1.2 alone, by a hello that knows nothing newer. */
  | 'tls12'
  /** All that we know of TLS 1.3 and 1.2, whatever the options leave out. */
  | 'broad'
  | 'legacy'
  | 'noSni'
  | 'noAlpn'
  | 'resume';

/** How far a connection came. */
export type Step =
  | 'tcp'
  | 'proxy'
  | 'starttls'
  /** Our hello went out, and nothing came back. */
  | 'hello'
  | 'handshake'
  /** Our Finished went out. */
  | 'finished'
  /** The connection stands. */
  | 'connected';

export interface Failure {
  readonly step: Step;
  /** A TlsError's, a system's (`ECONNREFUSED`), or `timeout`, `dialogue`. */
  readonly code: TlsErrorCode | 'timeout' | 'dialogue' | (string & {});
  readonly message: string;
  readonly hint: string | undefined;
  readonly alert: AlertName | `unknown (${number})` | null;
  readonly origin: 'local' | 'peer';
  /** The engine's state, where there is one: `WAIT_FINISHED`. */
  readonly state: string | undefined;
}

/** What the server said of its own once the connection stood. */
export interface Answer {
  /** Its first bytes as Latin-1, at most 512. */
  readonly start: string;
  /** The status of an HTTP answer. */
  readonly status: number | undefined;
  /** The Date header of an HTTP answer. */
  readonly date: Date | undefined;
  /** How it ended: by close_notify, without it, or not while we waited. */
  readonly end: 'close_notify' | 'truncated' | 'open';
}

export interface Attempt {
  readonly probe: ProbeId;
  /** Undefined: the connection stood, and nothing went wrong after it either. */
  readonly failure: Failure | undefined;
  /** Bytes of the first ClientHello, its record's header included. */
  readonly helloBytes: number;
  /** Bytes that came since the hello. */
  readonly bytesIn: number;
  /** The first of them as Latin-1, at most 256. */
  readonly start: string;
  readonly serverName: string | undefined;
  /** DER, as the server sent them. */
  readonly certificates: readonly Uint8Array[];
  readonly staple: Uint8Array | undefined;
  readonly asksForCertificate: boolean;
  readonly sentCertificate: boolean;
  /** The version that the server's hello chose. */
  readonly version: string | undefined;
  readonly cipherSuite: string | undefined;
  readonly negotiated: Negotiated | undefined;
  readonly sessionKept: boolean;
  readonly answer: Answer | undefined;
  readonly milliseconds: number;
}

/** Protocols that a port may speak where TLS was due. */
export type PlainProtocol = 'http' | 'ssh' | 'smtp' | 'imap' | 'pop3' | 'ftp' | 'mysql' | 'postgres' | 'ldap' | 'xmpp';

/** What a port says to somebody who does not speak TLS. */
export interface PlainEvidence {
  readonly protocol: PlainProtocol | undefined;
  /** Its first bytes as Latin-1, at most 256; empty: it said nothing. */
  readonly banner: string;
  /** What brought it to speak: it came by itself, or an attempt at this protocol. */
  readonly after: 'nothing' | 'hello' | 'http' | 'postgres' | 'ldap' | 'xmpp';
  /** Whether TLS began by the protocol's STARTTLS; undefined: not tried, or none. */
  readonly startTls: boolean | undefined;
}

/** The certificates that were sent, looked at beyond the handshake. */
export interface ChainEvidence {
  readonly sent: readonly Certificate[];
  /** Those that do not decode: their place, and why. */
  readonly malformed: readonly { readonly index: number; readonly message: string }[];
  /** Whether the path verifies now, for a server, whatever its name; undefined: it does. */
  readonly refusal: CertificateError | undefined;
  /** The same, at a time at which the leaf is valid, where it is not now. */
  readonly refusalInTime: CertificateError | undefined;
  /** Whether the leaf is for the name. */
  readonly nameFits: boolean;
  /** The path that was verified. */
  readonly path: readonly Certificate[];
  /** Certificates that their own caIssuers named, and that make a path to what is trusted; empty where none do. */
  readonly completedBy: readonly Certificate[];
  /** What was fetched by them, and helped nobody. */
  readonly fetched: readonly Certificate[];
  readonly fetchFailures: readonly string[];
  /** The name of a public root that would have made the path. */
  readonly publicRoot: string | undefined;
  /** An anchor of ours with the missing issuer's name and another key. */
  readonly rekeyed: boolean;
  readonly revocation: readonly RevocationVerdict[];
  /** A revoked certificate, a staple that is due or bad. */
  readonly revocationRefusal: CertificateError | undefined;
  readonly demandsStaple: boolean;
}

export interface Target extends HostPort {
  /** What the certificate must be for. */
  readonly name: string;
  readonly isAddress: boolean;
  /** The host as it was written ended in a dot. */
  readonly trailingDot: boolean;
  readonly startTls: string | undefined;
  readonly alpn: readonly string[];
  /** Whether versions, suites, groups or schemes were limited by options. */
  readonly limited: boolean;
  /** `--ca`, in place of the system's. */
  readonly ownTrust: boolean;
}

export interface Evidence {
  readonly target: Target;
  readonly now: Date;
  readonly main: Attempt;
  /** All, `main` first. */
  readonly attempts: readonly Attempt[];
  readonly plain: PlainEvidence | undefined;
  readonly chain: ChainEvidence | undefined;
}

export function attemptOf({ attempts }: Evidence, probe: ProbeId): Attempt | undefined {
  return attempts.find((attempt) => attempt.probe === probe);
}

/** Whether a way of connecting was tried, and led to a connection. */
export function worked(evidence: Evidence, probe: ProbeId): boolean {
  return attemptOf(evidence, probe)?.negotiated !== undefined;
}

/** The first line of what a port says, without what is at its end. */
export function firstLine(banner: string): string {
  return banner.split('\n', 1)[0]?.trimEnd() ?? '';
}
