/**
 * A client's session as a Buffer, which is how `node:tls` hands it out (`session`, `getSession()`) and takes it back (the option
 * `session`). Whoever has it is taken for the client, and can make it say what it likes: it is no more trusted than a cache of
 * the program's own, and the certificate in it is verified again.
 *
 * @module
 */

import type { Bytes } from '@handfast/crypto';
import { isSession, type Session } from '../session/session.ts';

/** What stands in front: nobody else's session is taken for ours. */
const magic = Buffer.from('handfast session 1\n');

export function bufferOfSession(session: Session): Buffer {
  const text = JSON.stringify(session, (_, value: unknown) =>
    value instanceof Uint8Array ? { base64: Buffer.from(value).toString('base64') } : value,
  );
  return Buffer.concat([magic, Buffer.from(text)]);
}

/** Undefined: it is none of ours, and a full handshake follows. */
export function sessionOfBuffer(buffer: Uint8Array): Session | undefined {
  if (!magic.equals(buffer.subarray(0, magic.length))) return undefined;
  try {
    const session: unknown = JSON.parse(Buffer.from(buffer.subarray(magic.length)).toString(), (_, value: unknown) =>
      isBytes(value) ? (Uint8Array.from(Buffer.from(value.base64, 'base64')) as Bytes) : value,
    );
    return isSession(session) ? session : undefined;
  } catch {
    return undefined;
  }
}

function isBytes(value: unknown): value is { readonly base64: string } {
  return typeof value === 'object' && value !== null && 'base64' in value && typeof value.base64 === 'string';
}
