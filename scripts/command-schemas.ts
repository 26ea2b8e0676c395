/**
 * packages/cli/events.schema.json and doctor.schema.json: the JSON Schemas of what the command prints with `--json`, written from the
 * shapes that its lines are typed by. Run by `npm run docs`; a test fails where a file is not what the shapes say.
 *
 * @module
 */

import { writeFileSync } from 'node:fs';
import type { JsonSchema } from '@handfast/viewer/shape';
import { diagnosisSchema } from '../packages/cli/src/doctor/schema.ts';
import { eventsSchema } from '../packages/cli/src/lines/line.ts';
import { textOf } from './json-schema.ts';

interface SchemaFile {
  readonly url: URL;
  readonly schema: JsonSchema;
}

/** What each line of `connect` and `serve` is, and the one of `doctor`. */
export const commandSchemas: Readonly<Record<'events' | 'doctor', SchemaFile>> = {
  events: { url: new URL('../packages/cli/events.schema.json', import.meta.url), schema: eventsSchema },
  doctor: { url: new URL('../packages/cli/doctor.schema.json', import.meta.url), schema: diagnosisSchema },
};

if (import.meta.main) {
  for (const { url, schema } of Object.values(commandSchemas)) writeFileSync(url, textOf(schema));
}
