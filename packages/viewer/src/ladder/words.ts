/**
 * What a ladder says: titles of messages, alerts as bytes, what a key is for, what was chosen among what.
 *
 * @module
 */

import { type AlertName, alerts } from '@handfast/tls';
import type { RecordedEvent } from '@handfast/tls/recording';
import { escapeText } from '@handfast/x509';
import { type Field, Walker } from '../dissect/field.ts';
import { dissectMessage, type MessageVersion } from '../dissect/messages.ts';
import { otherAlerts } from '../iana/names.ts';
import type { Arrow, Protection } from './handshake.ts';
import type { Party } from './party.ts';

export function alertTitle(alert: string): string {
  // The engine knows those alone that it speaks.
  const number = /^unknown \((\d+)\)$/.exec(alert)?.[1];
  return alert === 'close_notify' ? alert : `Alert: ${alertNames.get(Number(number)) ?? escapeText(alert)}`;
}

/** Level and description, as they pass. */
export function alertBytes({ alert, level }: Extract<RecordedEvent, { readonly type: 'alert' }>): Uint8Array {
  const number = alerts[alert as AlertName] ?? Number(/\d+/.exec(alert)?.[0] ?? 0);
  return Uint8Array.of(level, number);
}

/** What the keys of each level protect. */
export const keyPurposes: Readonly<Record<Exclude<Protection, 'none'>, string>> = {
  early: 'early data. It comes of an earlier connection alone: whoever records it can send it again',
  handshake: 'the rest of the handshake, so that nobody else sees who is who',
  application: 'the data',
};

export function keyText(
  { level, generation }: Pick<Extract<RecordedEvent, { readonly type: 'key' }>, 'level' | 'generation'>,
  party: Party,
): string {
  const after = generation > 0 ? `, after ${generation} key update${generation > 1 ? 's' : ''}` : '';
  return `what the ${party} sends from here on is under its ${level} key${after}`;
}

const alertNames: ReadonlyMap<number, string> = new Map([
  ...otherAlerts,
  ...Object.entries(alerts).map(([name, number]) => [number, name] as const),
]);

/** An arrow's bytes as fields. */
export function dissectArrow({ kind, bytes }: Pick<Arrow, 'kind' | 'bytes'>, version: MessageVersion): Field {
  switch (kind) {
    case 'message':
      return dissectMessage(bytes, version);
    case 'alert':
      return Walker.walk(
        bytes,
        'Alert',
        (walker) => {
          walker.number('level', 1, (level) => ({
            value: level === 1 ? 'warning' : level === 2 ? 'fatal' : String(level),
            meaning: 'In TLS 1.3 it says nothing: every alert but close_notify and user_canceled ends the connection.',
          }));
          walker.number('description', 1, (id) => ({ value: `${alertNames.get(id) ?? 'unknown'} (${id})` }));
        },
        { section: 'RFC 9846 §6', meaning: 'Why a side ends the connection: two bytes, and no more words than these.' },
      );
    case 'change_cipher_spec':
      return Walker.walk(bytes, 'ChangeCipherSpec', (walker) => walker.number('type', 1), {
        section: version === 'TLS 1.3' ? 'RFC 9846 §5' : 'RFC 5246 §7.1',
        meaning:
          version === 'TLS 1.3'
            ? 'Says nothing in TLS 1.3: it makes the handshake look like an old one to boxes in between.'
            : 'What follows is under the new keys.',
      });
    case 'data':
      return Walker.walk(bytes, 'Application data', (walker) => walker.rest('data', dataText), {
        section: 'RFC 9846 §5.2',
        meaning: 'What all of this was for. It is shown in plain: on the wire nobody can read it.',
      });
  }
}

function dataText(bytes: Uint8Array): { readonly value: string } {
  const shown = [...bytes.subarray(0, 200)].map((byte) =>
    byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '·',
  );
  return { value: `${shown.join('')}${bytes.length > 200 ? '…' : ''}` };
}

/**
 * What a server has chosen, and among what, in lines: from both hellos' fields.
 *
 * @param hello a ServerHello or a HelloRetryRequest
 */
export function choicesOf(clientHello: Field | undefined, hello: Field): readonly string[] {
  const suite = find(hello, 'cipher_suite')?.value;
  const group = find(find(hello, 'key_share'), 'group')?.value ?? find(hello, 'selected_group')?.value;
  const protocol = find(find(hello, 'application_layer_protocol_negotiation'), 'name')?.value;
  return [
    ...(suite === undefined ? [] : [`${suite}${among(suite, valuesIn(clientHello, 'cipher_suites'), 'suites')}`]),
    ...(group === undefined ? [] : [`${group}${among(group, valuesIn(clientHello, 'supported_groups'), 'groups')}`]),
    ...(protocol === undefined ? [] : [`ALPN ${protocol}`]),
  ];
}

/** The first field of that name, the field itself included. */
export function find(field: Field | undefined, name: string): Field | undefined {
  if (field === undefined || field.name === name) return field;
  for (const child of field.children ?? []) {
    const found = find(child, name);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** What is in a list, without what only says how long it is, and without GREASE (RFC 8701). */
function valuesIn(field: Field | undefined, name: string): readonly string[] {
  const leaves = (one: Field): readonly Field[] => one.children?.flatMap(leaves) ?? [one];
  const list = find(field, name);
  return (list === undefined ? [] : leaves(list))
    .filter((leaf) => leaf.name !== 'length' && leaf.name !== 'extension_type')
    .flatMap(({ value }) => (value === undefined || value.startsWith('GREASE') ? [] : [value]));
}

/** `, the client's 2nd of 9 suites` */
export function among(chosen: string, offered: readonly string[], what: string): string {
  const place = offered.indexOf(chosen) + 1;
  if (place === 0) return '';
  return offered.length === 1
    ? `, the only one of the client's ${what}`
    : `, the client's ${ordinal(place)} of ${offered.length} ${what}`;
}

function ordinal(place: number): string {
  const ending = { 1: 'st', 2: 'nd', 3: 'rd' }[place % 100 > 10 && place % 100 < 14 ? 0 : place % 10] ?? 'th';
  return `${place}${ending}`;
}
