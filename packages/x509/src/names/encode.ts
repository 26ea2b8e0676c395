/**
 * Writes GeneralNames (RFC 5280 §4.2.1.6) and the subtrees of name constraints: the counterpart of `general.ts` and
 * `constraints.ts`.
 *
 * @module
 */

import { type Bytes, concat, utf8 } from '@handfast/crypto';
import * as der from '../der/writer.ts';
import { quote } from '../text.ts';
import { isDnsName } from './dns.ts';
import type { GeneralName } from './general.ts';
import { parseIp } from './ip.ts';

const tags = { email: 1, dns: 2, uri: 6, ip: 7 } as const;

export function encodeGeneralName(name: GeneralName): Bytes {
  if (name.kind === 'directory') return der.explicit(4, name.name.raw);
  if (name.kind === 'ip') return der.implicit(tags.ip, name.bytes);
  return 'text' in name ? der.implicit(tags[name.kind], utf8(name.text)) : name.raw;
}

/** Name spaces of a CA, as people write them. */
export interface Subtrees {
  /** Domains: `internal` and everything below. */
  readonly dns?: readonly string[] | undefined;
  /** Networks: `10.0.0.0/8`, `fd00::/8`. */
  readonly ip?: readonly string[] | undefined;
  /** Mailboxes, hosts (`example.com`) or domains (`.example.com`). */
  readonly email?: readonly string[] | undefined;
  /** Hosts, or domains with a leading dot. */
  readonly uri?: readonly string[] | undefined;
  readonly directory?: readonly Extract<GeneralName, { kind: 'directory' }>['name'][] | undefined;
}

/**
 * The value of a name constraints extension.
 * @throws RangeError for what is no domain, network or mailbox, and where both are empty
 */
export function encodeNameConstraints(permitted: Subtrees = {}, excluded: Subtrees = {}): Bytes {
  const parts = [permitted, excluded].map((subtrees, number) => {
    const bases = basesOf(subtrees);
    return bases.length === 0
      ? []
      : [der.explicit(number, ...bases.map((base) => der.sequence(encodeGeneralName(base))))];
  });
  if (parts.every(({ length }) => length === 0)) throw new RangeError('name constraints without any name');
  return der.sequence(...parts.flat());
}

function basesOf({ dns = [], ip = [], email = [], uri = [], directory = [] }: Subtrees): readonly GeneralName[] {
  return [
    ...dns.map((text) => ({ kind: 'dns', text: domain(text) }) as const),
    ...ip.map((text) => ({ kind: 'ip', bytes: network(text) }) as const),
    ...email.map((text) => ({ kind: 'email', text: host(text) }) as const),
    ...uri.map((text) => ({ kind: 'uri', text: host(text) }) as const),
    ...directory.map((name) => ({ kind: 'directory', name }) as const),
  ];
}

function domain(text: string): string {
  if (!isDnsName(text)) throw new RangeError(`not a domain: ${quote(text)}`);
  return text;
}

/** A mailbox, a host, or a domain with its leading dot. */
function host(text: string): string {
  const name = text.slice(text.lastIndexOf('@') + 1).replace(/^\./, '');
  if (!isDnsName(name) || /[^\x21-\x7e]/.test(text))
    throw new RangeError(`neither a host nor a mailbox: ${quote(text)}`);
  return text;
}

/** Address and mask of a network in CIDR notation. */
function network(text: string): Bytes {
  const [address, length, ...rest] = text.split('/');
  const bytes = parseIp(address ?? '');
  const bits = /^\d{1,3}$/.test(length ?? '') ? Number(length) : Number.NaN;
  if (bytes === undefined || rest.length > 0 || !(bits <= 8 * bytes.length)) {
    throw new RangeError(`not a network, as in 10.0.0.0/8: ${quote(text)}`);
  }
  const mask = bytes.map((_, index) => (0xff00 >> Math.min(8, Math.max(0, bits - 8 * index))) & 0xff);
  return concat(
    bytes.map((byte, index) => byte & (mask[index] ?? 0)),
    mask,
  );
}
