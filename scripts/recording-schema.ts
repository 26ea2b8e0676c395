/**
 * packages/viewer/recording.schema.json: the JSON Schema of a recording, written from the shapes that recordings are read by. Run
 * by `npm run docs`; a test fails where the file is not what the shapes say.
 *
 * @module
 */

import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { recordingSchema } from '../packages/viewer/src/recording/recording.ts';

export const file: URL = new URL('../packages/viewer/recording.schema.json', import.meta.url);

/** The file's text. */
export function schemaText(): string {
  // Lists of words on a line, as the formatter wants them.
  const lines = JSON.stringify(recordingSchema, null, 2).replace(/\[\s+("[^"]*"(?:,\s+"[^"]*")*)\s+\]/g, (_, words) => {
    return `[${words.replace(/,\s+/g, ', ')}]`;
  });
  return `${lines}\n`;
}

if (import.meta.main) writeFileSync(fileURLToPath(file), schemaText());
