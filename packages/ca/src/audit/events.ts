/**
 * Events of the audit stream as JSON lines, and back.
 *
 * @module
 */

import { type AuditCheckpoint, checkpointEvent, checkpointFrom } from './checkpoint.ts';
import { Fields } from './fields.ts';
import type { AuditEvent } from './stream.ts';

const entryEvent = 'audit';

/** An entry as a JSON line has it. */
export function auditEventJson({ certificate, at, issuerId, ...entry }: AuditEvent): object {
  return {
    event: entryEvent,
    ...entry,
    at: at.toISOString(),
    issuer: issuerId,
    ...(certificate && {
      ...certificate,
      der: undefined,
      certificate: Buffer.from(certificate.der).toString('base64'),
    }),
  };
}

export type AuditLine =
  | { readonly kind: 'entry'; readonly entry: AuditEvent }
  | { readonly kind: 'checkpoint'; readonly checkpoint: AuditCheckpoint };

/**
 * What a line of a log holds: `undefined` where it is about something else.
 *
 * @throws FormError, SyntaxError for a line that is no JSON, or torn
 */
export function parseAuditLine(line: string): AuditLine | undefined {
  if (!line.startsWith('{')) return undefined;
  const value: unknown = JSON.parse(line);
  if (typeof value !== 'object' || value === null || !('event' in value)) return undefined;
  if (value.event === checkpointEvent) return { kind: 'checkpoint', checkpoint: checkpointFrom(value) };
  return value.event === entryEvent ? { kind: 'entry', entry: eventFrom(value) } : undefined;
}

const maxNames = 10_000;

function eventFrom(value: object): AuditEvent {
  const fields = new Fields(value);
  return {
    writer: fields.text('writer'),
    seq: fields.count('seq'),
    at: fields.time('at'),
    actor: fields.text('actor'),
    action: fields.text('action'),
    subject: fields.text('subject'),
    issuerId: fields.optionalText('issuer'),
    reason: fields.optionalText('reason'),
    digest: fields.optionalText('digest'),
    note: fields.optionalText('note'),
    previous: fields.text('previous'),
    hash: fields.text('hash'),
    ...('certificate' in value && {
      certificate: {
        der: fields.base64('certificate'),
        names: fields.list('names', maxNames).map(String),
        profile: fields.text('profile'),
        shard: fields.optionalCount('shard'),
        origin: fields.optionalText('origin'),
        replaces: fields.optionalText('replaces'),
      },
    }),
  };
}
