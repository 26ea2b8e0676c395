/** The key schedule as a picture: what comes of what, and what each key was used for. Values stay hidden until somebody asks. */

import { type Handshake, scheduleOf } from '@handfast/viewer';
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { boxHeight, type Layout, narrowLayout, wideLayout } from './schedule-layout.ts';

/** As the style sheet's. */
const narrowScreen = '(max-width: 880px)';

function useNarrow(): boolean {
  const [narrow, setNarrow] = useState(() => matchMedia(narrowScreen).matches);
  useEffect(() => {
    const query = matchMedia(narrowScreen);
    const look = (): void => setNarrow(query.matches);
    query.addEventListener('change', look);
    return () => query.removeEventListener('change', look);
  }, []);
  return narrow;
}

export function Schedule({ shown }: { readonly shown: Handshake }): JSX.Element {
  const [secret, setSecret] = useState(false);
  const narrow = useNarrow();
  const nodes = scheduleOf(shown);
  return (
    <section class="schedule" aria-labelledby="schedule-title">
      <h2 id="schedule-title">Which key comes of what</h2>
      {nodes.length === 0 ? (
        <p>There are no keys: it ended before the server had answered.</p>
      ) : (
        <>
          <p class="hint">
            {narrow ? 'From top to bottom' : 'From left to right'}: what goes in, what is made of it, and the keys. What
            this connection never had is pale.
          </p>
          {shown.secrets.length === 0 ? (
            <p class="hint">The secrets themselves are not in this recording.</p>
          ) : (
            <button type="button" class="reveal" aria-pressed={secret} onClick={() => setSecret(!secret)}>
              {secret ? 'Hide the secrets' : 'Show the secrets'}
            </button>
          )}
          {narrow ? (
            <Drawing layout={narrowLayout(nodes)} />
          ) : (
            // biome-ignore lint/a11y/noNoninteractiveTabindex: it may scroll, and must do so by keyboard, too
            <section class="drawing" tabIndex={0} aria-label="The picture">
              <Drawing layout={wideLayout(nodes)} />
            </section>
          )}
          <details class="secrets" open={secret}>
            <summary>The same in words</summary>
            <dl>
              {nodes.map((node) => (
                <div key={node.id} class={node.used ? '' : 'pale'}>
                  <dt>{node.title}</dt>
                  <dd>
                    {node.meaning} <span class="section">{node.section}</span>
                    {!node.used && ' This connection did not have it.'}
                    {node.protects !== undefined && ` Here: ${node.protects}.`}
                    {secret && node.secret !== undefined && <code class="secret-value">{node.secret.value}</code>}
                  </dd>
                </div>
              ))}
            </dl>
          </details>
        </>
      )}
    </section>
  );
}

/** The list of words says the same, and is what is read aloud. */
function Drawing({ layout: { width, height, boxes, lines } }: { readonly layout: Layout }): JSX.Element {
  return (
    <svg class="key-drawing" viewBox={`-2 -2 ${width + 4} ${height + 4}`} width={width + 4} aria-hidden="true">
      <title>Key schedule</title>
      <defs>
        <marker id="key-tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="6" markerHeight="6" orient="auto">
          <path class="tip" d="M0 0L8 4L0 8Z" />
        </marker>
      </defs>
      {lines.map(({ id, path, used }) => (
        <path key={id} class={used ? 'edge' : 'edge pale'} d={path} marker-end="url(#key-tip)" />
      ))}
      {boxes.map(({ node, x, y, width: wide }) => (
        <g key={node.id} class={`node ${node.kind}${node.used ? '' : ' pale'} key-${node.protection ?? 'none'}`}>
          <rect x={x} y={y} width={wide} height={boxHeight} rx="8" />
          <text x={x + 12} y={y + (node.protects === undefined ? 34 : 25)}>
            {node.title}
          </text>
          {node.protects !== undefined && (
            <text class="small" x={x + 12} y={y + 44}>
              {short(node.protects)}
            </text>
          )}
        </g>
      ))}
    </svg>
  );
}

function short(text: string): string {
  return text.length > 44 ? `${text.slice(0, 43)}…` : text;
}
