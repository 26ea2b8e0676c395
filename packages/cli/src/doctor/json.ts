/**
 * A diagnosis as one JSON value, of the shape that docs/doctor.md describes: `schema.ts` holds to it.
 *
 * @module
 */

import { formatHostPort } from '../options.ts';
import { nameOf } from '../transcript.ts';
import type { Diagnosis, Finding } from './diagnose.ts';
import type { Attempt, Evidence, Failure, ProbeId } from './evidence.ts';

export interface FailureJson extends Pick<Failure, 'step' | 'origin' | 'message'> {
  readonly code: string;
  readonly alert: string | null;
}

export interface AttemptJson {
  readonly probe: ProbeId;
  readonly connected: boolean;
  readonly version: string | null;
  readonly cipherSuite: string | null;
  readonly group: string | null;
  readonly resumed: boolean;
  readonly serverName: string | null;
  readonly helloBytes: number;
  readonly bytesIn: number;
  readonly milliseconds: number;
  readonly failure: FailureJson | null;
}

export interface PlaintextJson {
  readonly protocol: string | null;
  readonly banner: string;
  readonly startTls: boolean | null;
}

export interface CertificateJson {
  readonly subject: string;
  readonly issuer: string;
  readonly notBefore: string;
  readonly notAfter: string;
}

export interface ChainJson {
  readonly sent: readonly CertificateJson[];
  readonly path: readonly string[];
  readonly fetched: readonly string[];
}

export interface DiagnosisJson {
  readonly target: string;
  readonly name: string;
  readonly time: string;
  readonly healthy: boolean;
  readonly problems: readonly Finding[];
  readonly notes: readonly Finding[];
  readonly attempts: readonly AttemptJson[];
  readonly plaintext: PlaintextJson | null;
  readonly certificates: ChainJson | null;
}

/** One line. JSON escapes the control characters of ASCII by itself, and not those above, which terminals take as well. */
export function diagnosisJson(diagnosis: Diagnosis, evidence: Evidence): string {
  const escaped = (character: string): string => `\\u00${character.charCodeAt(0).toString(16)}`;
  return JSON.stringify(diagnosisValue(diagnosis, evidence)).replace(/[\u007f-\u009f]/g, escaped);
}

function diagnosisValue(diagnosis: Diagnosis, evidence: Evidence): DiagnosisJson {
  const { target, plain, chain } = evidence;
  return {
    target: formatHostPort(target),
    name: target.name,
    time: evidence.now.toISOString(),
    healthy: diagnosis.healthy,
    problems: diagnosis.problems,
    notes: diagnosis.notes,
    attempts: evidence.attempts.map(attemptJson),
    plaintext:
      plain === undefined
        ? null
        : { protocol: plain.protocol ?? null, banner: plain.banner, startTls: plain.startTls ?? null },
    certificates:
      chain === undefined
        ? null
        : {
            sent: chain.sent.map((certificate) => ({
              subject: nameOf(certificate),
              issuer: certificate.issuer.toString(),
              notBefore: certificate.notBefore.toISOString(),
              notAfter: certificate.notAfter.toISOString(),
            })),
            path: chain.path.map(nameOf),
            fetched: chain.fetched.map(nameOf),
          },
  };
}

function attemptJson({
  probe,
  failure,
  negotiated,
  serverName,
  helloBytes,
  bytesIn,
  milliseconds,
}: Attempt): AttemptJson {
  return {
    probe,
    connected: negotiated !== undefined,
    version: negotiated?.version ?? null,
    cipherSuite: negotiated?.cipherSuite.name ?? null,
    group: negotiated?.group?.name ?? null,
    resumed: negotiated?.resumed ?? false,
    serverName: serverName ?? null,
    helloBytes,
    bytesIn,
    milliseconds: Math.round(milliseconds),
    failure:
      failure === undefined
        ? null
        : {
            step: failure.step,
            code: failure.code,
            alert: failure.alert,
            origin: failure.origin,
            message: failure.message,
          },
  };
}
