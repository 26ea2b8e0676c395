/**
 * The handshake that is looked at as a file: one that anybody opens, one for Wireshark, one for programs.
 *
 * @module
 */

import { webProvider } from '@handfast/crypto/web';
import { aboutSize, type KeptFormat, keepConnection, type PageParts, type RecordedConnection } from '@handfast/viewer';
import type { Scene } from './state.ts';

const types: Readonly<Record<KeptFormat, string>> = {
  html: 'text/html',
  pcapng: 'application/x-pcapng',
  json: 'application/json',
};

let parts: Promise<PageParts | undefined> | undefined;

/**
 * This page's own script and style, of which a kept page is made. They are fetched once, when somebody wants them. A page that is a
 * kept one has none beside it, and makes no other.
 */
export function pageParts(): Promise<PageParts | undefined> {
  parts ??= fetchParts().then((fetched) => {
    // Who asks again may have more luck.
    if (fetched === undefined) parts = undefined;
    return fetched;
  });
  return parts;
}

async function fetchParts(): Promise<PageParts | undefined> {
  const script = document.querySelector<HTMLScriptElement>('script[type="module"][src]')?.src;
  const style = document.querySelector<HTMLLinkElement>('link[rel="stylesheet"]')?.href;
  if (script === undefined || style === undefined) return undefined;
  try {
    const [one, other] = await Promise.all([script, style].map(textOf));
    return one === undefined || other === undefined ? undefined : { script: one, style: other };
  } catch {
    return undefined;
  }
}

async function textOf(url: string): Promise<string | undefined> {
  const answer = await fetch(url);
  return answer.ok ? await answer.text() : undefined;
}

export function connectionOf({ title, parts: recorded }: Scene): RecordedConnection {
  return { title: title.slice(0, 256), ...recorded };
}

export interface Wish {
  readonly secrets: boolean;
  readonly page: PageParts | undefined;
}

/** How large the file will be, about. */
export function size(shown: Scene, format: KeptFormat, { secrets, page }: Wish): number {
  return aboutSize(connectionOf(shown), format, { secrets, ...(page && { page }) });
}

/** Makes the file, among the reader's downloads, by the name of the target. */
export function download(shown: Scene, format: KeptFormat, { secrets, page }: Wish): string {
  const options = { secrets, hashes: webProvider, ...(page && { page }) };
  const file = new Blob([keepConnection(connectionOf(shown), format, options)], { type: types[format] });
  const target = (shown.handshake.target ?? 'handshake').replace(/[^A-Za-z0-9.-]+/g, '-').slice(0, 60);
  const name = `${target}.${format}`;
  const link = document.createElement('a');
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
  return name;
}
