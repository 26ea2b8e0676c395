/**
 * A connection of others, from its records: messages, alerts, keys and data, decrypted where a key log has the secrets. What reads
 * captures is made of this. Nothing is verified, and nothing is held against the rules: what was said is told as it was.
 *
 * @module
 */

export { KeyLogSecrets } from './key-log.ts';
export { type Observed, Observer, type ObserverOptions, type Side } from './observer.ts';
