/**
 * What a peer's alert means, in words for a person at night.
 *
 * @module
 */

import { type AlertName, alerts, isAlertName } from './registry.ts';

const meanings: Readonly<Partial<Record<AlertName, string>>> = {
  close_notify: 'it closed the connection before the handshake was done',
  unexpected_message: 'it got a message that it did not expect',
  bad_record_mac: 'a record of ours did not authenticate there: bytes were changed on the way, or keys differ',
  record_overflow: 'a record of ours was larger than it takes',
  handshake_failure: 'it found no parameters that both sides accept',
  bad_certificate: 'it found our certificate corrupt, or refused it',
  unsupported_certificate: 'it cannot use the type of our certificate',
  certificate_revoked: 'our certificate has been revoked',
  certificate_expired: 'it finds our certificate expired or not yet valid, by its clock',
  certificate_unknown: 'it refused our certificate, for a reason of its own',
  illegal_parameter: 'it found a value in our messages illegal',
  unknown_ca: 'it does not trust the authority that signed our certificate',
  access_denied: 'our certificate is valid, and access was denied all the same',
  decode_error: 'it could not decode a message of ours',
  decrypt_error: 'a signature or Finished of ours did not verify there',
  protocol_version: 'it does not speak a version that we offer',
  insufficient_security: 'it asks for stronger parameters than we offer',
  internal_error: 'it failed for a reason of its own',
  missing_extension: 'it misses an extension that it needs',
  unsupported_extension: 'it got an extension that it had not offered',
  unrecognized_name: 'it does not serve the name that we asked for',
  certificate_required: 'it wants a client certificate, and we sent none',
  no_application_protocol: 'it speaks none of the application protocols that we offer',
};

/** A sentence: who sent which alert, and what it says. */
export function alertMeaning(peer: string, alert: AlertName | `unknown (${number})`, connected: boolean): string {
  const known = isAlertName(alert) ? alert : undefined;
  const number = known === undefined ? '' : ` (${alerts[known]})`;
  const meaning = known === undefined ? undefined : meanings[known];
  const when = connected ? '' : ' during the handshake';
  return `the ${peer} sent the alert ${alert}${number}${when}${meaning === undefined ? '' : `: ${meaning}`}`;
}
