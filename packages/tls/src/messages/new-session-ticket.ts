/**
 * NewSessionTicket (RFC 9846 §4.7.1).
 *
 * ```
 * struct {
 *     uint32 ticket_lifetime;
 *     uint32 ticket_age_add;
 *     opaque ticket_nonce<0..255>;
 *     opaque ticket<1..2^16-1>;
 *     Extension extensions<0..2^16-1>;
 * } NewSessionTicket;
 * ```
 *
 * @module
 */

import type { Bytes } from '@handfast/crypto';
import { handshakeType } from '../registry.ts';
import { type NewSessionTicketExtensions, readExtensions, writeExtensions } from './extensions.ts';
import type { Reader } from './reader.ts';
import { handshakeMessage } from './writer.ts';

export interface NewSessionTicket {
  readonly type: 'new_session_ticket';
  readonly raw: Bytes;
  readonly ticketLifetime: number;
  readonly ticketAgeAdd: number;
  readonly ticketNonce: Bytes;
  readonly ticket: Bytes;
  readonly extensions: NewSessionTicketExtensions;
}

export type NewSessionTicketFields = Omit<NewSessionTicket, 'type' | 'raw'>;

export function writeNewSessionTicket(fields: NewSessionTicketFields): Bytes {
  return handshakeMessage(handshakeType.new_session_ticket, (writer) => {
    writer.u32(fields.ticketLifetime).u32(fields.ticketAgeAdd).opaque8(fields.ticketNonce).opaque16(fields.ticket);
    writeExtensions(writer, 'NST', fields.extensions);
  });
}

export function readNewSessionTicket(reader: Reader, raw: Bytes): NewSessionTicket {
  const ticketLifetime = reader.u32();
  const ticketAgeAdd = reader.u32();
  const ticketNonce = reader.opaque8();
  const ticket = reader.opaque16(1);
  const { values } = readExtensions(reader.vector16(), 'NST');
  reader.end();
  return { type: 'new_session_ticket', raw, ticketLifetime, ticketAgeAdd, ticketNonce, ticket, extensions: values };
}
