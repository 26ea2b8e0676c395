/**
 * A request's body, up to a limit.
 *
 * @module
 */

import { Buffer } from 'node:buffer';

/** The client ended before its request did: nobody is there to be answered. */
export class BrokenOff extends Error {
  override readonly name = 'BrokenOff';

  constructor(cause: unknown) {
    super('the request broke off', { cause });
  }
}

/** `undefined` for one of more than `maxBytes`: it is not read to its end. @throws BrokenOff */
export async function readBody(request: Request, maxBytes: number): Promise<Buffer | undefined> {
  const told = request.headers.get('content-length');
  if (Number(told ?? 0) > maxBytes) return undefined;
  try {
    return await readAll(request, maxBytes);
  } catch (cause) {
    throw new BrokenOff(cause);
  }
}

async function readAll(request: Request, maxBytes: number): Promise<Buffer | undefined> {
  if (request.headers.has('content-length')) {
    // Whoever listens holds a client to what it told; and reads it at once, without a stream around it.
    const whole = Buffer.from(await request.arrayBuffer());
    return whole.length > maxBytes ? undefined : whole;
  }
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request.body ?? []) {
    length += chunk.length;
    if (length > maxBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
