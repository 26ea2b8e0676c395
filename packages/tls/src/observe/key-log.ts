/**
 * The secrets of an SSLKEYLOGFILE (RFC 9850), by client random and label. Lines that say nothing are passed over, as the format
 * wants it.
 *
 * @module
 */

import { type Bytes, fromHex } from '@handfast/crypto';

/** Labels that an observer can do something with. */
const labels: ReadonlySet<string> = new Set([
  'CLIENT_RANDOM',
  'CLIENT_EARLY_TRAFFIC_SECRET',
  'CLIENT_HANDSHAKE_TRAFFIC_SECRET',
  'SERVER_HANDSHAKE_TRAFFIC_SECRET',
  'CLIENT_TRAFFIC_SECRET_0',
  'SERVER_TRAFFIC_SECRET_0',
  'EXPORTER_SECRET',
  'EARLY_EXPORTER_SECRET',
]);

/** So many connections of one file are remembered: the last ones. */
const maxConnections = 100_000;

const line = /^([A-Z0-9_]{1,64}) ([0-9a-fA-F]{64}) ((?:[0-9a-fA-F]{2}){1,64})$/;

export class KeyLogSecrets {
  /** By client random in lower-case hexadecimal: its lines, by label. */
  readonly #known: Map<string, Map<string, string>> = new Map();

  /** Adds the lines of a text; more than one may be added. */
  add(text: string): void {
    for (const given of text.split('\n')) {
      const [, label, random, secret] = line.exec(given.trim()) ?? [];
      if (label === undefined || random === undefined || secret === undefined || !labels.has(label)) continue;
      this.#of(random.toLowerCase()).set(label, secret.toLowerCase());
    }
  }

  /** @param clientRandom in lower-case hexadecimal. */
  find(label: string, clientRandom: string): Bytes | undefined {
    const secret = this.#known.get(clientRandom)?.get(label);
    return secret === undefined ? undefined : fromHex(secret);
  }

  /** The lines of one connection. */
  lines(clientRandom: string): readonly string[] {
    return [...(this.#known.get(clientRandom) ?? [])].map(([label, secret]) => `${label} ${clientRandom} ${secret}`);
  }

  #of(random: string): Map<string, string> {
    const known = this.#known.get(random) ?? new Map<string, string>();
    this.#known.set(random, known);
    const [oldest] = this.#known.keys();
    if (this.#known.size > maxConnections && oldest !== undefined) this.#known.delete(oldest);
    return known;
  }
}
