/**
 * What a command printed, colours included, as a picture of a terminal: an SVG that looks the same on light and dark pages, as it brings
 * its own ground. Each run of one style is set to the width of its columns, whatever font there is.
 *
 * @module
 */

/** A line's text of one style. */
export interface Run {
  readonly text: string;
  readonly bold: boolean;
  readonly dim: boolean;
  /** SGR's number of a colour: 31; undefined: the terminal's own. */
  readonly color: number | undefined;
}

const colors: Readonly<Record<number, string>> = {
  31: '#ff9c92',
  32: '#7ad7a5',
  33: '#f2c866',
  35: '#d3a6f7',
  36: '#7fd0e6',
};
const plain = '#e6e8ee';
const quiet = '#a3a9b8';

/** @param line of text and SGR sequences (ECMA-48 §8.3.117). @throws RangeError where it holds another control. */
export function runsOf(line: string): readonly Run[] {
  const runs: Run[] = [];
  let style: Omit<Run, 'text'> = { bold: false, dim: false, color: undefined };
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what is looked for
  for (const part of line.split(/(\u001b\[\d+m)/)) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what is looked for
    const code = /^\u001b\[(\d+)m$/.exec(part)?.[1];
    if (code !== undefined) style = styled(style, Number(code));
    else if (/\p{Cc}/u.test(part)) throw new RangeError(`a control character in ${JSON.stringify(part)}`);
    else if (part !== '') runs.push({ text: part, ...style });
  }
  return runs;
}

function styled(style: Omit<Run, 'text'>, code: number): Omit<Run, 'text'> {
  if (code === 0) return { bold: false, dim: false, color: undefined };
  if (code === 1) return { ...style, bold: true };
  if (code === 2) return { ...style, dim: true };
  if (code === 22) return { ...style, bold: false, dim: false };
  if (code === 39) return { ...style, color: undefined };
  if (colors[code] === undefined) throw new RangeError(`SGR ${code} has no colour here`);
  return { ...style, color: code };
}

const cell = { width: 8.4, height: 19 };
const margin = { side: 18, top: 46, bottom: 16 };

/** @param title what somebody hears who sees no picture. */
export function terminalSvg(lines: readonly string[], columns: number, title: string): string {
  const width = Math.ceil(columns * cell.width + 2 * margin.side);
  const height = lines.length * cell.height + margin.top + margin.bottom;
  const buttons = ['#ff6b61', '#f5bf4f', '#61c554'].map(
    (color, place) => `<circle cx="${22 + place * 20}" cy="20" r="6" fill="${color}"/>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">
<title>${escaped(title)}</title>
<rect x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="10" fill="#14161b" stroke="#3a3f4c"/>
${buttons.join('')}
<g font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace" font-size="14" fill="${plain}" xml:space="preserve">
${lines.flatMap((line, row) => textOf(line, margin.top + (row + 0.75) * cell.height)).join('\n')}
</g>
</svg>
`;
}

function textOf(line: string, y: number): readonly string[] {
  let column = 0;
  return runsOf(line).flatMap(({ text, bold, dim, color }) => {
    const blanks = text.length - text.trimStart().length;
    const shown = text.trim();
    const x = margin.side + (column + blanks) * cell.width;
    column += text.length;
    if (shown === '') return [];
    const fill = color === undefined ? (dim ? ` fill="${quiet}"` : '') : ` fill="${colors[color]}"`;
    const length = round(shown.length * cell.width);
    const at = `x="${round(x)}" y="${round(y)}" textLength="${length}" lengthAdjust="spacingAndGlyphs"`;
    return [`<text ${at}${fill}${bold ? ' font-weight="700"' : ''}>${escaped(shown)}</text>`];
  });
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
