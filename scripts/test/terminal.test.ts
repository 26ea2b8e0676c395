import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { certificateRefusals } from '@handfast/viewer';
import { runsOf, terminalSvg } from '../terminal-svg.ts';

test('what a terminal is told of colours becomes runs of one style', () => {
  const style = { bold: false, dim: false, color: undefined };
  assert.deepEqual(runsOf('a \u001b[31m\u001b[1m✗\u001b[22m b\u001b[39m \u001b[2mc\u001b[0md'), [
    { ...style, text: 'a ' },
    { ...style, text: '✗', bold: true, color: 31 },
    { ...style, text: ' b', color: 31 },
    { ...style, text: ' ' },
    { ...style, text: 'c', dim: true },
    { ...style, text: 'd' },
  ]);
});

test('what else moves a terminal is refused', () => {
  for (const text of ['\u001b[2J', '\u001b[38;5;9m', 'a\tb', '\u009b2J']) assert.throws(() => runsOf(text), RangeError);
  assert.throws(() => runsOf('\u001b[34m'), new RangeError('SGR 34 has no colour here'));
});

test('text stands in its columns, and markup in it is text', () => {
  const svg = terminalSvg(['  <b> & "c"', '', '\u001b[32m✓\u001b[39m'], 20, 'a <title>');
  assert.match(svg, /<title>a &lt;title&gt;<\/title>/);
  // Two columns of 8.4 behind a margin of 18.
  assert.match(svg, /<text x="34\.8" y="[\d.]+" textLength="75\.6" [^>]+>&lt;b&gt; &amp; "c"<\/text>/);
  assert.match(svg, /fill="#7ad7a5">✓</);
  assert.equal(terminalSvg(['a'], 20, 'b'), terminalSvg(['a'], 20, 'b'));
});

test('the pictures of the docs say what the command says today (npm run terminal draws them)', () => {
  const { title, cause, remedy } = certificateRefusals.expired;
  const words = (file: string): string =>
    readFileSync(new URL(`../../docs/${file}`, import.meta.url), 'utf8')
      .replace(/<title>.*<\/title>/, '')
      .replace(/<[^>]+>/g, ' ')
      .replace(/\s+/g, ' ');
  const explain = words('terminal-explain.svg');
  for (const text of [title, cause, remedy]) assert.ok(explain.includes(text), text);
  assert.ok(words('terminal-doctor.svg').includes(`: ${title} The server’s certificate for "shop.example"`));
});
