/**
 * What tests know about names in general, from a kept list: the public suffixes.
 *
 * @module
 */

import { getPublicSuffix } from 'tldts';

/** Whether strangers register names under `name`, private registries included. */
export function publicSuffixes(name: string): boolean {
  return getPublicSuffix(name, { allowPrivateDomains: true }) === name;
}
