/**
 * A JSON Schema as a file's text, as the formatter wants it.
 *
 * @module
 */

import type { JsonSchema } from '@handfast/viewer/shape';

export function textOf(schema: JsonSchema): string {
  const lines = JSON.stringify(schema, null, 2)
    // Lists of words or numbers on a line, where they fit.
    .replace(/^.*\[\n(?:\s+(?:"[^"]*"|\d+),?\n)+\s*\],?$/gm, (list) => {
      const joined = list
        .replace(/\[\s+/, '[')
        .replace(/,\s+(?=["\d])/g, ', ')
        .replace(/\s+\]/, ']');
      return joined.length <= lineWidth ? joined : list;
    });
  return `${lines}\n`;
}

/** Of JSON, as biome.json has it. */
const lineWidth = 140;
