/**
 * A key in a token as a URI (RFC 7512): `pkcs11:token=ca;object=issuing?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:/etc/pin`.
 *
 * What is not understood is refused: a name that was misspelt would leave a wider choice of keys.
 *
 * @module
 */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Pkcs11Error } from './errors.ts';
import type { KeyName, TokenName } from './names.ts';
import type { Pkcs11Options } from './open.ts';
import type { PinSource } from './pin.ts';

/** Where a PIN is looked for if the URI names no place. */
export const pinCredential = 'handfast-token-pin';

/**
 * What a URI says. The PIN is never in it; unless `pin-source` names a file, it is systemd's credential `handfast-token-pin` where
 * there is one.
 *
 * @throws Pkcs11Error `settings`
 */
export function pkcs11Options(uri: string): Pkcs11Options {
  const [, path = '', query = ''] = /^pkcs11:([^?]*)(?:\?(.*))?$/s.exec(uri) ?? [];
  if (!uri.startsWith('pkcs11:')) throw refusal('it does not begin with pkcs11:');
  const named = fields(path, ';', pathNames);
  const { 'module-path': module, 'pin-source': pinSource } = fields(query, '&', queryNames);
  if (module === undefined) {
    throw refusal('it has no module-path', 'add ?module-path= and the library that came with the token');
  }
  if (named.type !== undefined && text('type', named.type) !== 'private') {
    throw refusal('its type is not private', 'a signer is a private key');
  }
  const pin = pinSource === undefined ? fromSystemd() : pinFile(text('pin-source', pinSource));
  return {
    module: text('module-path', module),
    token: tokenName(named),
    key: keyName(named),
    ...(pin !== undefined && { pin }),
  };
}

type Fields = Readonly<Record<string, string | undefined>>;

const pathNames: ReadonlySet<string> = new Set([
  ...['token', 'manufacturer', 'model', 'serial', 'slot-id', 'object', 'id', 'type'],
]);
const queryNames: ReadonlySet<string> = new Set(['module-path', 'pin-source']);

const hints: ReadonlyMap<string, string> = new Map([
  ['pin-value', 'whoever reads the URI would have the PIN: write it into a file, and pin-source=file:/… here'],
  ['module-name', 'write module-path, and the whole path of the library'],
]);

/** No value of any is ever in a message: one may be a PIN that was put in the wrong place. */
function fields(part: string, separator: string, known: ReadonlySet<string>): Fields {
  const found: Record<string, string> = {};
  for (const field of part.split(separator).filter((one) => one !== '')) {
    const at = field.indexOf('=');
    const name = at < 0 ? field : field.slice(0, at);
    if (!known.has(name)) {
      const where = known === pathNames ? 'before' : 'after';
      throw refusal(
        /^[a-z0-9-]{1,30}$/.test(name) ? `it has ${name} ${where} the question mark` : 'it has a part without a name',
        hints.get(name) ?? `${where} the question mark there may be ${[...known].join(', ')}`,
      );
    }
    if (at < 0 || at === field.length - 1) throw refusal(`its ${name} is empty`);
    if (found[name] !== undefined) throw refusal(`it has ${name} twice`);
    found[name] = field.slice(at + 1);
  }
  return found;
}

function tokenName(named: Fields): TokenName {
  const name = {
    ...optional('label', 'token', named),
    ...optional('manufacturer', 'manufacturer', named),
    ...optional('model', 'model', named),
    ...optional('serial', 'serial', named),
  };
  const slot = named['slot-id'];
  if (slot !== undefined && !/^\d{1,10}$/.test(slot)) throw refusal('its slot-id is no number');
  if (slot === undefined && Object.keys(name).length === 0) {
    throw refusal('it names no token', 'begin with pkcs11:token= and its label');
  }
  return { ...name, ...(slot !== undefined && { slotId: Number(slot) }) };
}

function keyName(named: Fields): KeyName {
  const { id } = named;
  return { ...optional('label', 'object', named), ...(id !== undefined && { id: bytes('id', id) }) };
}

function optional<Name extends string>(name: Name, field: string, named: Fields): { readonly [name in Name]?: string } {
  const value = named[field];
  return value === undefined ? {} : ({ [name]: text(field, value) } as { readonly [name in Name]?: string });
}

function text(name: string, value: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes(name, value));
  } catch (error) {
    if (error instanceof Pkcs11Error) throw error;
    throw refusal(`its ${name} is no text in UTF-8`);
  }
}

function bytes(name: string, value: string): Uint8Array {
  if (/%(?![0-9a-fA-F]{2})/.test(value)) throw refusal(`its ${name} has a % that is not followed by two digits`);
  const parts = value.split(/%([0-9a-fA-F]{2})/);
  return Buffer.concat(parts.map((part, index) => Buffer.from(part, index % 2 === 1 ? 'hex' : 'utf8')));
}

/** A path, or a URI of one. */
function pinFile(source: string): PinSource {
  if (source.startsWith('/')) return { file: source };
  try {
    if (source.startsWith('file:/')) return { file: fileURLToPath(source) };
  } catch {
    // what it is not is said below
  }
  throw refusal(
    'its pin-source is no file',
    'write pin-source=file:/…, the whole path of a file whose first line is the PIN',
  );
}

function fromSystemd(): PinSource | undefined {
  const { CREDENTIALS_DIRECTORY: folder } = process.env;
  const there = folder !== undefined && existsSync(join(folder, pinCredential));
  return there ? { credential: pinCredential } : undefined;
}

function refusal(what: string, hint?: string): Pkcs11Error {
  return new Pkcs11Error('settings', `this is no URI of a key in a token: ${what}`, { hint });
}
