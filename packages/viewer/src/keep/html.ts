/**
 * One file that shows connections in any browser, without a network: the viewer's page with its script and style inside, and the
 * recordings as JSON in an element that no browser executes. Its policy allows that script and that style by their hashes, and nothing
 * else.
 *
 * @module
 */

import { type Cryptography, utf8 } from '@handfast/crypto';
import { toBase64 } from '@handfast/tls/recording';

/** The texts of what `index.html` of the built page loads. */
export interface PageParts {
  readonly script: string;
  readonly style: string;
}

/** The element's beginning. It stands before every script of the page, so that the first one in a file is it. */
const opening = '<script type="application/json" id="handfast-recordings">';
const closing = '</script>';

/** @param json any JSON. `<` is escaped in it: nothing that stands in it ends the element, or begins another. */
export function intoPage(parts: PageParts, json: string, hashes: Pick<Cryptography, 'digest'>): string {
  const script = inElement('script', parts.script);
  const style = inElement('style', parts.style);
  const hash = (text: string): string => `'sha256-${toBase64(hashes.digest('sha256', utf8(text)))}'`;
  const policy = `default-src 'none'; script-src ${hash(script)}; style-src ${hash(style)}; base-uri 'none'; form-action 'none'`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="referrer" content="no-referrer">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>A handshake</title>
<style>${style}</style>
</head>
<body>
<div id="app"></div>
<noscript>Without JavaScript there is nothing to see.</noscript>
${opening}${json.replaceAll('<', '\\u003c')}${closing}
<script type="module">${script}</script>
</body>
</html>
`;
}

/** The JSON of such a file, of whoever, by its text alone; undefined: it has none. */
export function outOfPage(html: string): string | undefined {
  const at = html.indexOf(opening);
  if (at < 0) return undefined;
  const inside = at + opening.length;
  const end = html.indexOf(closing, inside);
  return html.slice(inside, end < 0 ? undefined : end);
}

/**
 * What would end its element, or keep it from ending, is said in another way: in a script both stand in strings alone, and in a style
 * nowhere.
 */
function inElement(element: 'script' | 'style', text: string): string {
  // A browser counts every end of a line as one, and the hash is of what it counts.
  return text.replaceAll('\r\n', '\n').replaceAll(`</${element}`, `<\\/${element}`).replaceAll('<!--', '\\x3c!--');
}
