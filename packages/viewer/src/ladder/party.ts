/**
 * The two sides of a connection.
 *
 * @module
 */

export type Party = 'client' | 'server';

export function otherOf(party: Party): Party {
  return party === 'client' ? 'server' : 'client';
}
