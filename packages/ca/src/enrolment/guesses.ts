/**
 * Tokens that are none, counted by who sent them. A token cannot be guessed; who tries shall not keep the database busy. The memory
 * is bounded: where too many addresses are known, the one that began first is forgotten.
 *
 * @module
 */

import { formatIp, parseIp } from '@handfast/x509';

export interface GuessLimits {
  /** Wrong tokens of one address (of IPv6: of its /64), from the first on. */
  readonly guesses: number;
  readonly windowMs: number;
  /** Addresses that are remembered. */
  readonly addresses: number;
}

export const defaultGuessLimits: GuessLimits = { guesses: 20, windowMs: 60_000, addresses: 10_000 };

interface Count {
  guesses: number;
  readonly until: number;
}

export class Guesses {
  readonly #limits: GuessLimits;
  readonly #counts = new Map<string, Count>();

  constructor(limits: GuessLimits) {
    this.#limits = limits;
  }

  /** Until when nothing more is taken from there; `undefined`: it is. */
  refusedUntil(address: string | undefined, now: number): number | undefined {
    const count = this.#counts.get(networkOf(address));
    return count !== undefined && count.until > now && count.guesses >= this.#limits.guesses ? count.until : undefined;
  }

  add(address: string | undefined, now: number): void {
    const network = networkOf(address);
    const count = this.#counts.get(network);
    if (count !== undefined && count.until > now) {
      count.guesses++;
      return;
    }
    // Those who come anew stand behind all others.
    this.#counts.delete(network);
    const [oldest] = this.#counts.keys();
    if (oldest !== undefined && this.#counts.size >= this.#limits.addresses) this.#counts.delete(oldest);
    this.#counts.set(network, { guesses: 1, until: now + this.#limits.windowMs });
  }
}

function networkOf(address = ''): string {
  const bytes = parseIp(address);
  if (bytes === undefined || bytes.length === 4) return address;
  // IPv4 as a socket for both has it (RFC 4291 §2.5.5.2).
  const mapped = bytes.subarray(0, 12).every((byte, at) => byte === (at < 10 ? 0 : 0xff));
  return formatIp(mapped ? bytes.subarray(12) : bytes.map((byte, at) => (at < 8 ? byte : 0)));
}
