/**
 * What the engine itself does otherwise from version to version: which messages exist and how they are read, what a
 * warning means, how a connection closes. A flow puts its version's dialect in as soon as the version is known; until
 * then only hellos exist.
 *
 * @module
 */

import { helloMessages, type MessageTable } from './messages/handshake.ts';
import type { AlertName } from './registry.ts';

export interface Dialect {
  readonly messages: MessageTable;
  /** Whether an alert of level warning leaves the connection standing. In TLS 1.3 every alert but two ends it. */
  readonly passesWarnings: boolean;
  /** Whether one side may end its data and still receive. Before TLS 1.3 a close_notify ends both (RFC 5246 §7.2.1). */
  readonly halfClose: boolean;
  /** The alert as this version knows it. */
  readonly toWireAlert: (alert: AlertName) => AlertName;
}

/** Before the version is known. */
export function helloDialect(passesWarnings: boolean): Dialect {
  return { messages: helloMessages, passesWarnings, halfClose: true, toWireAlert: (alert) => alert };
}
