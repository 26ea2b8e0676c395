/**
 * The option `ecdhCurve`: OpenSSL's lists of groups (SSL_CTX_set1_groups_list(3)), as `node:tls` takes them, to groups and key
 * shares. `auto` is this package's own default.
 *
 * A list is of names, told apart by `:`, or by `/` where another rank begins; before a name stands `?` (no matter if it is not
 * known), `*` (send a key share for it) or `-` (take it out again); `DEFAULT` is OpenSSL's own list.
 *
 * What is otherwise than in Node: groups that OpenSSL has and this package has not are passed over, and reported; a list that
 * leaves none fails at once, not at the handshake. A rank counts by its order alone.
 *
 * @module
 */

import { quote } from '../errors.ts';
import { type NamedGroup, namedGroups } from '../registry.ts';
import { coded, invalidArgType } from './argument-errors.ts';
import { opensslRefusal } from './openssl-refusal.ts';

/** What a list chose. */
export interface ChosenGroups {
  /** Best first; absent for `auto`: the default. */
  readonly groups?: readonly NamedGroup[];
  /** Groups to send shares for, where the list says which; absent: the default. */
  readonly keyShares?: readonly NamedGroup[];
  /** Names of groups that are not here. */
  readonly ignored: readonly string[];
}

/** Other names of groups, in lower case, to IANA's. IANA's own count in any case, too. */
const aliases: ReadonlyMap<string, string> = new Map([
  ['p-256', 'secp256r1'],
  ['prime256v1', 'secp256r1'],
  ['p-384', 'secp384r1'],
  ['p-521', 'secp521r1'],
]);

/** What OpenSSL 3.5 has besides, in lower case: Node takes these names. */
const elsewhere: ReadonlySet<string> = new Set(
  [
    'mlkem512 mlkem768 mlkem1024 p-192 p-224 prime192v1 secp192r1 secp224r1 secp256k1 secp192k1 secp224k1 secp160k1',
    'secp160r1 secp160r2 sect163k1 sect163r1 sect163r2 sect193r1 sect193r2 sect233k1 sect233r1 sect239k1 sect283k1',
    'sect283r1 sect409k1 sect409r1 sect571k1 sect571r1 k-163 b-163 k-233 b-233 k-283 b-283 k-409 b-409 k-571 b-571',
    'brainpoolp256r1 brainpoolp384r1 brainpoolp512r1 brainpoolp256r1tls13 brainpoolp384r1tls13 brainpoolp512r1tls13',
  ].flatMap((names) => names.split(' ')),
);

const defaultList = '?*X25519MLKEM768/?*X25519:?secp256r1/?X448:?secp384r1:?secp521r1/?ffdhe2048:?ffdhe3072';

/** More stars than these OpenSSL refuses. */
const mostKeyShares = 4;

/**
 * Chooses groups by a list.
 *
 * @example
 * ```ts
 * const { groups } = groupsOf('X25519MLKEM768:X25519:P-256');
 * ```
 * @param list `auto`, or names as above.
 * @param known what may be chosen.
 * @throws as Node does: `ERR_INVALID_ARG_TYPE`, `ERR_CRYPTO_OPERATION_FAILED` ("Failed to set ECDH curve"),
 *   `ERR_SSL_NO_SUITABLE_GROUPS`.
 */
export function groupsOf(list: string, known: readonly NamedGroup[] = namedGroups): ChosenGroups {
  if (typeof list !== 'string') throw invalidArgType('options.ecdhCurve', ['string'], list);
  if (list === 'auto') return { ignored: [] };
  /** Whether each is to have a key share. */
  const chosen = new Map<NamedGroup, boolean>();
  const ignored: string[] = [];
  for (const { name, flags } of list === '' ? [] : itemsOf(list)) {
    const lower = name.toLowerCase();
    const ianaName = aliases.get(lower) ?? lower;
    const group = known.find((row) => row.name.toLowerCase() === ianaName);
    if (group === undefined) {
      const real = elsewhere.has(lower) || namedGroups.some((row) => row.name.toLowerCase() === ianaName);
      if (!real && !flags.includes('?')) throw refused(`${quote(name)} is not known; known are ${namesOf(known)}`);
      if (!flags.includes('-')) ignored.push(name);
    } else if (flags.includes('-')) chosen.delete(group);
    else if (!chosen.has(group)) chosen.set(group, flags.includes('*'));
  }
  const groups = [...chosen.keys()];
  if (groups.length === 0) throw opensslRefusal('no suitable groups', `${quote(list)}; known are ${namesOf(known)}`);
  const keyShares = groups.filter((group) => chosen.get(group));
  if (keyShares.length > mostKeyShares) throw refused(`${keyShares.length} have a star, where ${mostKeyShares} may`);
  return { groups, ...(keyShares.length > 0 && { keyShares }), ignored };
}

interface Item {
  readonly name: string;
  /** Of `?*-`. */
  readonly flags: string;
}

function itemsOf(list: string): readonly Item[] {
  return list.split(/[:/]/).flatMap((word) => {
    const trimmed = word.trim();
    if (trimmed.toUpperCase() === 'DEFAULT') return itemsOf(defaultList);
    const [, flags = '', name = ''] = /^([?*-]{0,3})([A-Za-z0-9].*)$/.exec(trimmed) ?? [];
    if (name === '' || name.toUpperCase() === 'DEFAULT' || new Set(flags).size < flags.length) {
      throw refused(`${quote(word)} is no name`);
    }
    return { name, flags };
  });
}

function namesOf(rows: readonly NamedGroup[]): string {
  return rows.map(({ name }) => name).join(', ');
}

/** Node's error, and why. */
function refused(detail: string): Error {
  return coded(new Error(`Failed to set ECDH curve (${detail})`), 'ERR_CRYPTO_OPERATION_FAILED');
}
