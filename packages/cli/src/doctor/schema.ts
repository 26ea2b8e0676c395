/**
 * The shape of `doctor --json`, which `doctor.schema.json` is written from.
 *
 * @module
 */

import {
  described,
  flag,
  type JsonSchema,
  list,
  nullable,
  number,
  object,
  oneOf,
  type Shape,
  text,
} from '@handfast/viewer/shape';
import { count, names, said } from '../lines/common.ts';
import type { Certainty, Side } from './causes/cause.ts';
import type { Finding } from './diagnose.ts';
import type { ProbeId, Step } from './evidence.ts';
import type { AttemptJson, CertificateJson, ChainJson, DiagnosisJson, FailureJson, PlaintextJson } from './json.ts';

const probe: Shape<ProbeId> = oneOf(
  ...(['main', 'again', 'classical', 'tls12', 'broad', 'legacy', 'noSni', 'noAlpn', 'resume'] as const),
);
const step: Shape<Step> = oneOf('tcp', 'proxy', 'starttls', 'hello', 'handshake', 'finished', 'connected');
const certainty: Shape<Certainty> = oneOf('certain', 'likely', 'possible');
const side: Shape<Side> = oneOf('server', 'client', 'network', 'ca');
const time: Shape<string> = described(text(32, /^-?\d{4,6}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/), 'RFC 3339, in UTC.');

const finding: Shape<Finding> = object<Finding>({
  id: described(said, 'The cause, by its stable word: docs/errors.md lists them.'),
  title: said,
  certainty,
  side: described(side, 'Who has to act; the client is this side.'),
  says: described(said, 'What is wrong, in full sentences.'),
  remedy: said,
  probes: described(list(probe, 20), 'The attempts that show it.'),
});

const failure: Shape<FailureJson> = object<FailureJson>({
  step: described(step, 'How far the connection came.'),
  code: described(said, 'Of TlsError, of the system (ECONNREFUSED), or timeout, dialogue.'),
  alert: nullable(said),
  origin: oneOf('local', 'peer'),
  message: said,
});

const attempt: Shape<AttemptJson> = object<AttemptJson>({
  probe,
  connected: flag,
  version: nullable(said),
  cipherSuite: nullable(said),
  group: nullable(said),
  resumed: flag,
  serverName: nullable(said),
  helloBytes: count,
  bytesIn: count,
  milliseconds: number('integer', 0, Number.MAX_SAFE_INTEGER),
  failure: nullable(failure),
});

const certificate: Shape<CertificateJson> = object<CertificateJson>({
  ...{ subject: said, issuer: said, notBefore: time, notAfter: time },
});

const plaintext: Shape<PlaintextJson> = object<PlaintextJson>({
  ...{ protocol: nullable(said), banner: said, startTls: nullable(flag) },
});

const chain: Shape<ChainJson> = object<ChainJson>({
  sent: list(certificate, 1000),
  path: described(names, 'To our trust store.'),
  fetched: names,
});

const diagnosis: Shape<DiagnosisJson> = object<DiagnosisJson>({
  target: described(said, 'HOST:PORT'),
  name: described(said, 'Whom the certificate must be for.'),
  time,
  healthy: described(flag, 'No problem was found.'),
  problems: described(list(finding, 1000), 'The most telling first.'),
  notes: list(finding, 1000),
  attempts: list(attempt, 20),
  plaintext: described(nullable(plaintext), 'What the port said without TLS.'),
  certificates: nullable(chain),
});

/** What `doctor.schema.json` holds. */
export const diagnosisSchema: JsonSchema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  $id: 'urn:handfast:doctor:1',
  title: 'What handfast doctor --json prints',
  ...diagnosis.schema,
};
