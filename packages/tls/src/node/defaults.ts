/**
 * What holds where a context says nothing: `tls.DEFAULT_MIN_VERSION` and its like, which a program may set. Until it does,
 * they are those of `node:tls` at that moment, so that Node's flags (`--tls-min-v1.3`, `--tls-cipher-list`, …) and what is
 * set there count here too; what is set here leaves `node:tls` alone.
 *
 * An ES module's names cannot be assigned from outside. As with `node:tls`, it is the default export, and what `require` gives,
 * that can: `import tls from '@handfast/tls/node'; tls.DEFAULT_MIN_VERSION = 'TLSv1.3'`. The names follow it at once, which
 * those of `node:tls` do not.
 *
 * @module
 */

import { constants } from 'node:crypto';
import nodeTls from 'node:tls';
import type { SecureVersion } from './version-range.ts';

/** The values; any are taken, and refused by the next context that needs them, as Node does it. */
export interface TlsDefaults {
  DEFAULT_MIN_VERSION: SecureVersion;
  DEFAULT_MAX_VERSION: SecureVersion;
  /** A cipher string of OpenSSL's. */
  DEFAULT_CIPHERS: string;
  /** Groups in OpenSSL's words, or `auto`. */
  DEFAULT_ECDH_CURVE: string;
  /** How often a client may renegotiate in `CLIENT_RENEG_WINDOW` seconds. */
  CLIENT_RENEG_LIMIT: number;
  CLIENT_RENEG_WINDOW: number;
}

export let DEFAULT_MIN_VERSION: SecureVersion = nodeTls.DEFAULT_MIN_VERSION;
export let DEFAULT_MAX_VERSION: SecureVersion = nodeTls.DEFAULT_MAX_VERSION;
export let DEFAULT_CIPHERS: string = nodeTls.DEFAULT_CIPHERS;
export let DEFAULT_ECDH_CURVE: string = nodeTls.DEFAULT_ECDH_CURVE;
export let CLIENT_RENEG_LIMIT: number = nodeTls.CLIENT_RENEG_LIMIT;
export let CLIENT_RENEG_WINDOW: number = nodeTls.CLIENT_RENEG_WINDOW;

const own = new Map<keyof TlsDefaults, unknown>();

/**
 * The defaults as properties that can be read and set. For the default export:
 * `Object.defineProperties(module, Object.getOwnPropertyDescriptors(defaults))`.
 */
export const defaults: TlsDefaults = Object.defineProperties({} as TlsDefaults, {
  DEFAULT_CIPHERS: property('DEFAULT_CIPHERS', (value) => {
    DEFAULT_CIPHERS = value;
  }),
  DEFAULT_ECDH_CURVE: property('DEFAULT_ECDH_CURVE', (value) => {
    DEFAULT_ECDH_CURVE = value;
  }),
  DEFAULT_MIN_VERSION: property('DEFAULT_MIN_VERSION', (value) => {
    DEFAULT_MIN_VERSION = value;
  }),
  DEFAULT_MAX_VERSION: property('DEFAULT_MAX_VERSION', (value) => {
    DEFAULT_MAX_VERSION = value;
  }),
  CLIENT_RENEG_LIMIT: property('CLIENT_RENEG_LIMIT', (value) => {
    CLIENT_RENEG_LIMIT = value;
  }),
  CLIENT_RENEG_WINDOW: property('CLIENT_RENEG_WINDOW', (value) => {
    CLIENT_RENEG_WINDOW = value;
  }),
});

function property<K extends keyof TlsDefaults>(name: K, tell: (value: TlsDefaults[K]) => void): PropertyDescriptor {
  return {
    get: () => (own.has(name) ? own.get(name) : nodeTls[name]),
    set: (value: TlsDefaults[K]) => {
      own.set(name, value);
      tell(value);
    },
    enumerable: true,
    configurable: true,
  };
}

/** `DEFAULT_CIPHERS` where anybody changed it, by a flag or by hand; `undefined`: the suites are those that we choose. */
export function changedCiphers(): string | undefined {
  const { DEFAULT_CIPHERS: ciphers } = defaults;
  return ciphers === constants.defaultCoreCipherList ? undefined : ciphers;
}
