/**
 * A chart of ratios as SVG: a bar a row from nothing to its ratio, a thin line over its least and most, and a mark at what it
 * should reach. Has both a light and a dark dress, each with its own ground, as the reader's system wants it.
 *
 * @module
 */

export interface Bar {
  readonly name: string;
  /** Whom the ratio is against. */
  readonly peer: string;
  readonly ratio: number;
  readonly least: number;
  readonly most: number;
  readonly reach: number;
  readonly reached: boolean;
}

const width = 920;
const left = 16;
const right = 100;
const top = 78;
const rowHeight = 46;
const barHeight = 14;

const style = `
  svg { font: 13px system-ui, sans-serif; }
  .ground { fill: #ffffff; } text { fill: #1f2328; } .quiet { fill: #59636e; } .grid { stroke: #d1d9e0; }
  .reached { fill: #1a7f37; } .short { fill: #bc4c00; } .goal { stroke: #1f2328; } .span { stroke: #59636e; }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #0d1117; } text { fill: #f0f6fc; } .quiet { fill: #9198a1; } .grid { stroke: #3d444d; }
    .reached { fill: #3fb950; } .short { fill: #f0883e; } .goal { stroke: #f0f6fc; } .span { stroke: #9198a1; }
  }`;

/** The whole file. */
export function chart(title: string, bars: readonly Bar[]): string {
  const most = Math.max(1, ...bars.flatMap(({ most, reach }) => [most, reach]));
  const step = most > 4 ? 1 : most > 2 ? 0.5 : 0.25;
  const end = Math.ceil(most / step) * step;
  const x = (ratio: number): number => Math.round(left + (ratio / end) * (width - left - right));
  const height = top + bars.length * rowHeight + 40;
  const ticks = Array.from({ length: Math.round(end / step) + 1 }, (_, i) => i * step);
  const bottom = height - 32;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">
<title>${escaped(title)}</title>
<style>${style}
</style>
<rect class="ground" width="${width}" height="${height}" rx="6"/>
<text x="${left}" y="28" font-size="16" font-weight="600">${escaped(title)}</text>
<rect class="reached" x="${left}" y="43" width="12" height="12"/>
<text class="quiet" x="${left + 18}" y="54">reached</text>
<rect class="short" x="${left + 84}" y="43" width="12" height="12"/>
<text class="quiet" x="${left + 102}" y="54">not reached</text>
<line class="goal" x1="${left + 198}" x2="${left + 198}" y1="41" y2="57" stroke-width="2.5"/>
<text class="quiet" x="${left + 206}" y="54">what it should be; thin: least to most of the rounds; above 1 ours is better</text>
${ticks.map((tick) => grid(x(tick), bottom, tick)).join('\n')}
${bars.map((bar, i) => drawn(bar, top + i * rowHeight, x)).join('\n')}
</svg>
`;
}

function grid(x: number, bottom: number, tick: number): string {
  return `<line class="grid" x1="${x}" x2="${x}" y1="${top - 8}" y2="${bottom}" stroke-width="${tick === 1 ? 2 : 1}"/>
<text class="quiet" x="${x}" y="${bottom + 18}" text-anchor="middle">${tick}</text>`;
}

function drawn(
  { name, peer, ratio, least, most, reach, reached }: Bar,
  y: number,
  x: (ratio: number) => number,
): string {
  const bar = y + 20;
  const middle = bar + barHeight / 2;
  return `<text x="${left + 4}" y="${y + 13}">${escaped(name)} <tspan class="quiet">· ${escaped(peer)}</tspan></text>
<rect class="${reached ? 'reached' : 'short'}" x="${left}" y="${bar}" width="${x(ratio) - left}" height="${barHeight}"/>
<line class="span" x1="${x(least)}" x2="${x(most)}" y1="${middle}" y2="${middle}" stroke-width="2"/>
<line class="goal" x1="${x(reach)}" x2="${x(reach)}" y1="${bar - 4}" y2="${bar + barHeight + 4}" stroke-width="2.5"/>
<text x="${Math.max(x(most), x(reach), x(ratio)) + 8}" y="${bar + 12}"><tspan font-weight="600">${ratio.toFixed(2)} ×</tspan> <tspan class="quiet">of ${reach}</tspan></text>`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
