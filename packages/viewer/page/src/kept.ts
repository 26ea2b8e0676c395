/**
 * Whether this page is one that was kept.
 *
 * @module
 */

/** What this page was made of; undefined: it is the viewer itself. */
export function keptJson(): string | undefined {
  return document.getElementById('handfast-recordings')?.textContent ?? undefined;
}
