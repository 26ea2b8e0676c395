/**
 * `minVersion`, `maxVersion`, `secureProtocol` and the bits of `secureOptions`, to the versions that are spoken. Values and errors are Node's; but
 *
 * - what reaches below TLS 1.2 reaches down to TLS 1.2, unless older versions were imported and named as `versions`; what is
 *   wholly below it is refused;
 * - a range with nothing in it is refused here, with the code that Node has for every connection in it;
 * - `TLS_client_method` for a server, and the reverse, is taken as `TLS_method`.
 *
 * @module
 */

import { constants } from 'node:crypto';
import { format } from 'node:util';
import { ownOf } from '../config.ts';
import { TlsConfigError } from '../errors.ts';
import type { VersionName } from '../registry.ts';
import { tls12 } from '../tls12/index.ts';
import { tls13 } from '../tls13/index.ts';
import type { Version } from '../version.ts';
import { coded, invalidArgType, outOfRange } from './argument-errors.ts';
import { defaults } from './defaults.ts';
import { opensslRefusal } from './openssl-refusal.ts';

/** A version as `node:tls` names it. */
export type SecureVersion = 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3';

/** The options of a context that are about versions. */
export interface VersionOptions {
  /** Lowest and highest version. Default: `DEFAULT_MIN_VERSION` and `DEFAULT_MAX_VERSION`, unless `versions` are named. */
  readonly minVersion?: SecureVersion | null | undefined;
  readonly maxVersion?: SecureVersion | null | undefined;
  /** One of OpenSSL's methods, which stands for a range: `TLSv1_2_method`. Goes with neither of the two above. */
  readonly secureProtocol?: string | null | undefined;
  /** Bits of OpenSSL's: see `secureOptionBits`. */
  readonly secureOptions?: number | null | undefined;
  /** Versions as values, best first. Default: TLS 1.3 and TLS 1.2. */
  readonly versions?: readonly Version[] | undefined;
}

/** Numbers on the wire, and the bits of `secureOptions` that keep a version out. */
const versions: ReadonlyMap<unknown, { readonly id: number; readonly excludedBy: number }> = new Map([
  ['TLSv1', { id: 0x0301, excludedBy: constants.SSL_OP_NO_TLSv1 }],
  ['TLSv1.1', { id: 0x0302, excludedBy: constants.SSL_OP_NO_TLSv1_1 }],
  ['TLSv1.2', { id: 0x0303, excludedBy: constants.SSL_OP_NO_TLSv1_2 }],
  ['TLSv1.3', { id: 0x0304, excludedBy: constants.SSL_OP_NO_TLSv1_3 }],
]);

/** It has no name here, and is there by import alone. */
const ssl30 = 0x0300;

interface Bounds {
  readonly least?: number;
  readonly most?: number;
}

/** OpenSSL's methods as Node reads them: what they leave out is as by default. */
const methods: ReadonlyMap<string, Bounds> = new Map([
  ['SSLv23', { most: 0x0303 }],
  ['TLS', { least: 0, most: 0x0304 }],
  ['TLSv1', { least: 0x0301, most: 0x0301 }],
  ['TLSv1_1', { least: 0x0302, most: 0x0302 }],
  ['TLSv1_2', { least: 0x0303, most: 0x0303 }],
]);

/** What `node:tls` calls a version. */
export function secureVersionName(name: VersionName): string {
  return name === 'TLS 1.0' ? 'TLSv1' : name === 'SSL 3.0' ? 'SSLv3' : name.replace(' ', 'v');
}

/**
 * The versions that a context speaks, best first.
 *
 * @throws TypeError `ERR_TLS_INVALID_PROTOCOL_VERSION`, `ERR_TLS_PROTOCOL_VERSION_CONFLICT`, `ERR_TLS_INVALID_PROTOCOL_METHOD`,
 * `ERR_INVALID_ARG_TYPE`; RangeError `ERR_OUT_OF_RANGE`
 * @throws Error `ERR_SSL_NO_PROTOCOLS_AVAILABLE` for a range with nothing in it
 * @throws TlsConfigError for one in which there is nothing of ours: it names what to import
 */
export function versionRange(given: VersionOptions): readonly Version[] {
  const options = ownOf(given);
  const { least, most } = boundsOf(options);
  const excluded = secureOptionBits(options.secureOptions);
  const allows = (id: number): boolean =>
    id >= least &&
    id <= most &&
    !(id === ssl30 && (excluded & constants.SSL_OP_NO_SSLv3) !== 0) &&
    ![...versions.values()].some((row) => row.id === id && (excluded & row.excludedBy) !== 0);
  const known = options.versions ?? [tls13, tls12];
  const chosen = known.filter(({ id }) => allows(id));
  if (chosen.length > 0) return chosen;
  const wanted = [...versions].filter(([, { id }]) => allows(id)).map(([name]) => String(name));
  throw wanted.length === 0 ? opensslRefusal('no protocols available', 'of all versions') : noneOfOurs(options, wanted);
}

function boundsOf({ minVersion, maxVersion, secureProtocol, versions: named }: VersionOptions): Required<Bounds> {
  if (secureProtocol) {
    const conflicting = minVersion ?? maxVersion ?? undefined;
    if (conflicting !== undefined) {
      const words = format('TLS protocol version %j conflicts with secureProtocol %j', conflicting, secureProtocol);
      throw coded(new TypeError(words), 'ERR_TLS_PROTOCOL_VERSION_CONFLICT');
    }
  }
  const byDefault = {
    least: idOf(minVersion ?? defaults.DEFAULT_MIN_VERSION, 'minimum'),
    most: idOf(maxVersion ?? defaults.DEFAULT_MAX_VERSION, 'maximum'),
  };
  // Whoever names versions means those: no default takes any away.
  const least = named !== undefined && minVersion == null ? 0 : byDefault.least;
  const most = named !== undefined && maxVersion == null ? 0xffff : byDefault.most;
  return { least, most, ...(typeof secureProtocol === 'string' && boundsOfMethod(secureProtocol)) };
}

function idOf(version: unknown, which: 'minimum' | 'maximum'): number {
  const row = versions.get(version);
  if (row !== undefined) return row.id;
  const words = format('%j is not a valid %s TLS protocol version', version, which);
  throw coded(new TypeError(words), 'ERR_TLS_INVALID_PROTOCOL_VERSION');
}

function boundsOfMethod(method: string): Bounds {
  const [, name = ''] = /^(\w+?)(?:_server|_client)?_method$/.exec(method) ?? [];
  const bounds = methods.get(name);
  if (bounds !== undefined) return bounds;
  const words = name === 'SSLv2' || name === 'SSLv3' ? `${name} methods disabled` : `Unknown method: ${method}`;
  throw Object.assign(new TypeError(words), { code: 'ERR_TLS_INVALID_PROTOCOL_METHOD' });
}

/**
 * The bits of `secureOptions`. Those about versions count here, and `SSL_OP_NO_TICKET` and `SSL_OP_CIPHER_SERVER_PREFERENCE` on a
 * server. What the others are about is so already, or is not here: docs/node-tls.md has them all.
 *
 * @throws TypeError `ERR_INVALID_ARG_TYPE`, RangeError `ERR_OUT_OF_RANGE`
 */
export function secureOptionBits(secureOptions: unknown): number {
  if (!secureOptions) return 0;
  if (typeof secureOptions !== 'number') throw invalidArgType('secureOptions', ['number'], secureOptions);
  if (!Number.isInteger(secureOptions)) throw outOfRange('secureOptions', 'an integer', secureOptions);
  if (!Number.isSafeInteger(secureOptions)) {
    throw outOfRange('secureOptions', `>= ${Number.MIN_SAFE_INTEGER} && <= ${Number.MAX_SAFE_INTEGER}`, secureOptions);
  }
  // The lower 32 bits, in which all of these are.
  return secureOptions | 0;
}

/** What was asked for exists, but not here. The option that asked is named. */
function noneOfOurs({ versions: named, ...options }: VersionOptions, wanted: readonly string[]): TlsConfigError {
  const given = (['secureProtocol', 'maxVersion', 'secureOptions', 'minVersion'] as const).find(
    (name) => options[name],
  );
  const ours = (named ?? [tls13, tls12]).map(({ name }) => secureVersionName(name)).join(', ');
  const where = wanted.some((name) => name < 'TLSv1.2')
    ? '; TLS 1.1 and TLS 1.0 are in @handfast/tls/legacy, for the option versions'
    : '';
  return new TlsConfigError(
    given ?? (named === undefined ? 'DEFAULT_MAX_VERSION' : 'versions'),
    `it leaves ${wanted.join(', ')}, and here are ${ours}${where}`,
  );
}
