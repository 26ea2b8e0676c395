/**
 * What a page has to say.
 *
 * @module
 */

import { TlsError } from '@handfast/tls';

export function show(what: unknown): void {
  say('out', JSON.stringify(what, undefined, 2));
}

/** The code is for programs, the hint for people. */
export function showError(error: unknown): void {
  if (error instanceof TlsError) say('error', `${error.code}: ${error.message}`);
  else say('error', String(error));
}

function say(id: string, text: string): void {
  const line = document.createElement('pre');
  line.id = id;
  line.textContent = text;
  document.body.append(line);
}
