/**
 * What a connection is called, for a reader who has several.
 *
 * @module
 */

import type { RecordedConnection } from '@handfast/viewer';

export function titleOf({ title, client, server }: RecordedConnection, which: number): string {
  return title ?? client?.target ?? server?.target ?? `Connection ${which + 1}`;
}

/** With whom it is, where its title does not say that. */
export function nameOf(title: string, target: string | undefined): string {
  return target === undefined || title === target ? title : `${title}, ${target}`;
}
