/**
 * The keys of a client's shares (RFC 9846 §4.3.8).
 *
 * @module
 */

import { type Cryptography, type EphemeralKey, settle } from '@handfast/crypto';
import { exchangeOf, type Flow } from '../flow.ts';
import type { KeyShareEntry } from '../messages/extensions.ts';
import type { NamedGroup } from '../registry.ts';

/** The keys of our shares. */
export type Shares = ReadonlyMap<NamedGroup, EphemeralKey>;

/**
 * A fresh key for each group. Groups that share a component (X25519MLKEM768 and x25519) share its key: RFC 9846 forbids
 * reuse between connections, not within one.
 */
export function* generateShares(provider: Cryptography, groups: readonly NamedGroup[]): Flow<Shares> {
  const components = new Map<string, EphemeralKey>();
  const shares = new Map<NamedGroup, EphemeralKey>();
  const plainGroups = new Set(groups.map(({ exchange }) => exchange));
  for (const group of groups) {
    const { parts } = exchangeOf(provider, group);
    if (parts?.some(({ name }) => plainGroups.has(name))) {
      for (const part of parts) {
        if (!components.has(part.name)) components.set(part.name, yield* settle(part.generate()));
      }
    }
  }
  for (const group of groups) {
    const exchange = exchangeOf(provider, group);
    const first = exchange.parts && components.get(exchange.parts[0].name);
    const second = exchange.parts && components.get(exchange.parts[1].name);
    const key =
      components.get(exchange.name) ??
      (yield* settle(first && second ? exchange.generate([first, second]) : exchange.generate()));
    shares.set(group, key);
  }
  return shares;
}

/** As they stand in key_share. */
export function shareEntries(shares: Shares): readonly KeyShareEntry[] {
  return [...shares].map(([{ id }, { share }]) => ({ group: id, keyExchange: share }));
}

export function disposeShares(shares: Shares): void {
  for (const key of shares.values()) key.dispose();
}
