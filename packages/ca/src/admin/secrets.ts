/**
 * Secrets of 32 random bytes, as text, and what is kept of them.
 *
 * @module
 */

import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { CryptoProvider } from '@handfast/crypto';

export function newSecret(provider: Pick<CryptoProvider, 'random'>): string {
  return Buffer.from(provider.random(32)).toString('base64url');
}

export function newId(provider: Pick<CryptoProvider, 'random'>): string {
  return Buffer.from(provider.random(8)).toString('hex');
}

/** SHA-256: the secret is as long as any hash, so that nothing slower would add anything. */
export function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

/** What a page of a session sends with its writes: known to whoever has the cookie's value, and to nobody else. */
export function csrfOf(session: string): string {
  return createHmac('sha256', session).update('handfast dashboard: csrf').digest('base64url');
}

export function sameText(a: string, b: string): boolean {
  return timingSafeEqual(createHash('sha256').update(a).digest(), createHash('sha256').update(b).digest());
}
