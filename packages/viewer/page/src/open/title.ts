/**
 * What a connection is called, for a reader who has several. A file may call it anything: it is text, and turns nothing around.
 *
 * @module
 */

import type { RecordedConnection } from '@handfast/viewer';
import { escapeText } from '@handfast/x509';

export function titleOf({ title, client, server }: RecordedConnection, which: number): string {
  return escapeText(title ?? client?.target ?? server?.target ?? `Connection ${which + 1}`);
}

/** With whom it is, where its title (of `titleOf`) does not say that. */
export function nameOf(title: string, target = title): string {
  const whom = escapeText(target);
  return title === whom ? title : `${title}, ${whom}`;
}
