/**
 * packages/viewer/recording.schema.json: the JSON Schema of recordings, written from the shapes that recordings are read by. Run
 * by `npm run docs`; a test fails where the file is not what the shapes say.
 *
 * @module
 */

import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { recordingSchema } from '../packages/viewer/src/recording/connections.ts';
import { textOf } from './json-schema.ts';

export const file: URL = new URL('../packages/viewer/recording.schema.json', import.meta.url);

/** The file's text. */
export function schemaText(): string {
  return textOf(recordingSchema);
}

if (import.meta.main) writeFileSync(fileURLToPath(file), schemaText());
