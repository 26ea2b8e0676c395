/**
 * How tokens and keys are named, and found by their names: whatever a name says must be so, and one must be left.
 *
 * @module
 */

import { toHex } from '@handfast/crypto';
import {
  type Attribute,
  CKA_CLASS,
  CKA_ID,
  CKA_LABEL,
  CKA_SIGN,
  CKO_PRIVATE_KEY,
  type Cryptoki,
  type Handle,
  type TokenInfo,
} from './cryptoki.ts';
import { Pkcs11Error } from './errors.ts';

export interface TokenName {
  readonly label?: string;
  readonly manufacturer?: string;
  readonly model?: string;
  readonly serial?: string;
  /** Few modules give a token the same one every time. */
  readonly slotId?: number;
}

/** Unless it says anything: the only key that may sign. */
export interface KeyName {
  readonly label?: string;
  readonly id?: Uint8Array;
}

export interface FoundToken {
  readonly slot: Handle;
  readonly info: TokenInfo;
}

/** @throws Pkcs11Error `token` where there is none, or there are several; what the module throws */
export function findToken(cryptoki: Cryptoki, name: TokenName): FoundToken {
  const all = tokens(cryptoki);
  const found = all.filter((token) => isNamed(token, name));
  const [token, second] = found;
  const asked = tokenText(name);
  if (token === undefined) {
    const labelled = all.filter(({ info }) => bareText(info.label) !== '');
    throw new Pkcs11Error('token', `the ${asked} is not there`, { hint: listed('token', labelled.map(tokenLabel)) });
  }
  if (second !== undefined) {
    throw new Pkcs11Error('token', `there is more than one ${asked}`, {
      hint: `say which by its serial number: ${found.map(({ info }) => info.serialNumber.trim()).join(', ')}`,
    });
  }
  return token;
}

function tokens(cryptoki: Cryptoki): readonly FoundToken[] {
  return cryptoki.C_GetSlotList(true).flatMap((slot) => {
    try {
      return [{ slot, info: cryptoki.C_GetTokenInfo(slot) }];
    } catch {
      return []; // it was removed meanwhile, or is one that nobody knows
    }
  });
}

function isNamed({ slot, info }: FoundToken, name: TokenName): boolean {
  const { label, manufacturer, model, serial, slotId } = name;
  const pairs = [
    [label, info.label],
    [manufacturer, info.manufacturerID],
    [model, info.model],
    [serial, info.serialNumber],
  ] as const;
  // Some modules end what they say with a zero byte in place of blanks.
  return (
    pairs.every(([wanted, is]) => wanted === undefined || wanted === bareText(is)) &&
    (slotId === undefined || slotId === ulongOf(slot))
  );
}

/** Without its padding. */
export function bareText(text: string): string {
  const [bare = ''] = text.split('\0');
  return bare.trimEnd();
}

/** @throws Pkcs11Error `key` where there is none that may sign, or there are several; what the module throws */
export function findKey(cryptoki: Cryptoki, session: Handle, name: KeyName): Handle {
  const privateKeys = findObjects(cryptoki, session, [{ type: CKA_CLASS, value: CKO_PRIVATE_KEY }, ...template(name)]);
  const signing = privateKeys.filter((key) => maySign(cryptoki, session, key));
  const [key, second] = signing;
  const asked = keyText(name);
  if (key !== undefined && second === undefined) return key;
  const labelsOf = (keys: readonly Handle[]): readonly string[] => keys.map((one) => keyLabel(cryptoki, session, one));
  if (key !== undefined) {
    throw new Pkcs11Error('key', `the token has more than one ${asked} that may sign`, {
      hint: `say which by its id: ${labelsOf(signing).join(', ')}`,
    });
  }
  if (privateKeys.length > 0) {
    throw new Pkcs11Error('key', `the ${asked} of the token may not sign`, { hint: 'it needs CKA_SIGN' });
  }
  const others = findObjects(cryptoki, session, [{ type: CKA_CLASS, value: CKO_PRIVATE_KEY }]);
  throw new Pkcs11Error('key', `the token has no ${asked}`, { hint: listed('private key', labelsOf(others)) });
}

function template({ label, id }: KeyName): Attribute[] {
  return [
    ...(label === undefined ? [] : [{ type: CKA_LABEL, value: label }]),
    ...(id === undefined ? [] : [{ type: CKA_ID, value: Buffer.from(id) }]),
  ];
}

/** Far more than anybody has. */
const maxObjects = 1000;

export function findObjects(cryptoki: Cryptoki, session: Handle, wanted: Attribute[]): readonly Handle[] {
  cryptoki.C_FindObjectsInit(session, wanted);
  try {
    const found: Handle[] = [];
    while (found.length < maxObjects) {
      const more = cryptoki.C_FindObjects(session, 100);
      if (more.length === 0) break;
      found.push(...more);
    }
    return found;
  } finally {
    cryptoki.C_FindObjectsFinal(session);
  }
}

/** An attribute's value; `undefined` where the object has none, or does not show it. */
export function attribute(cryptoki: Cryptoki, session: Handle, object: Handle, type: number): Buffer | undefined {
  try {
    const value = cryptoki.C_GetAttributeValue(session, object, [{ type }])[0]?.value;
    return Buffer.isBuffer(value) && value.length > 0 ? value : undefined;
  } catch (error) {
    if (error instanceof Error && /CKR_ATTRIBUTE_(TYPE_INVALID|SENSITIVE|VALUE_INVALID)/.test(error.message)) {
      return undefined;
    }
    throw error;
  }
}

function maySign(cryptoki: Cryptoki, session: Handle, key: Handle): boolean {
  const value = attribute(cryptoki, session, key, CKA_SIGN);
  return value === undefined || value[0] !== 0;
}

/** A CK_ULONG, of whatever size and order it has here. */
export function ulongOf(bytes: Uint8Array): number {
  const { buffer } = Uint8Array.from(bytes);
  return Number(bytes.length === 8 ? new BigUint64Array(buffer)[0] : new Uint32Array(buffer)[0]);
}

export function tokenText({ label, manufacturer, model, serial, slotId }: TokenName): string {
  const said = [
    label === undefined ? undefined : `labelled ${quoted(label)}`,
    manufacturer === undefined ? undefined : `by ${quoted(manufacturer)}`,
    model === undefined ? undefined : `of model ${quoted(model)}`,
    serial === undefined ? undefined : `with serial number ${quoted(serial)}`,
    slotId === undefined ? undefined : `in slot ${slotId}`,
  ].filter((part) => part !== undefined);
  return ['token', ...said].join(' ');
}

export function keyText({ label, id }: KeyName): string {
  const said = [
    label === undefined ? undefined : quoted(label),
    id === undefined ? undefined : `with id ${toHex(id)}`,
  ].filter((part) => part !== undefined);
  return ['private key', ...said].join(' ');
}

function tokenLabel({ info }: FoundToken): string {
  return `${quoted(bareText(info.label))} (serial number ${bareText(info.serialNumber)})`;
}

function keyLabel(cryptoki: Cryptoki, session: Handle, key: Handle): string {
  const label = attribute(cryptoki, session, key, CKA_LABEL)?.toString('utf8');
  const id = attribute(cryptoki, session, key, CKA_ID)?.toString('hex');
  return `${label === undefined ? 'without label' : quoted(label)} (id ${id ?? 'none'})`;
}

function listed(what: string, names: readonly string[]): string {
  if (names.length === 0) return `there is no ${what} at all`;
  return `there ${names.length === 1 ? 'is' : 'are'} ${names.slice(0, 10).join(', ')}`;
}

/** What tokens say of themselves goes to terminals and logs. */
function quoted(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}
