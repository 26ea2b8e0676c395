/**
 * `setKeyCert()`: another context for one connection of a server, chosen before its certificate is: in `ALPNCallback`, whose
 * `this` is the socket, or right after `new TLSSocket()`.
 *
 * @module
 */

import { TlsConfigError } from '../errors.ts';
import { invalidArgType } from './argument-errors.ts';
import { type AnyContext, type ContextOptions, SecureContext } from './secure-context.ts';
import type { SecureStream } from './stream.ts';

const chosen = new WeakMap<SecureStream, SecureContext>();

/** @throws TypeError `ERR_INVALID_ARG_TYPE`, TlsConfigError for a context without a certificate, and as `createSecureContext` */
export function chooseKeyCert(socket: SecureStream, given: ContextOptions | AnyContext): void {
  if (typeof given !== 'object' || given === null) throw invalidArgType('options', ['object'], given);
  const context = given instanceof SecureContext ? given : new SecureContext(given as ContextOptions);
  if (context.options.credentials?.length === 0)
    throw new TlsConfigError('setKeyCert', 'the context has no certificate');
  chosen.set(socket, context);
}

export function chosenKeyCert(socket: SecureStream | undefined): SecureContext | undefined {
  return socket && chosen.get(socket);
}
