/**
 * Mozilla's trusted roots, for programs that run where there is no system store: browsers, workers, containers without one.
 *
 * What a list of certificates cannot say is not here: Mozilla trusts some roots only for certificates that were issued before
 * a date, or for some names, and neither is in what Node.js publishes.
 *
 * @module
 */

import { type TrustStore, trustStore } from '@handfast/x509';
import { edition, roots } from './certificates.ts';

let store: TrustStore | undefined;

/**
 * A store of all of them: one, however often it is asked for. Nothing is parsed until a chain asks for a root's name.
 *
 * @example
 * ```ts
 * const config = clientConfig({ provider: webProvider, versions: [tls13Client], trust: mozillaRoots() });
 * ```
 */
export function mozillaRoots(): TrustStore {
  store ??= trustStore(roots);
  return store;
}

/**
 * When the list was taken, as `2026-11-22`, and from where, as `Node.js 24.21.0`. Browsers change theirs several times a year: a
 * program that is to run for longer should be rebuilt with a newer one.
 */
export const mozillaEdition: { readonly date: string; readonly source: string } = edition;
