/**
 * What the command prints with `--json`, held to the schemas that it is published with.
 *
 * @module
 */

import { commandSchemas } from '../../../../scripts/command-schemas.ts';
import { schemaOf } from '../../../viewer/test/support/schema.ts';

const isLine = schemaOf(commandSchemas.events.url);

/** Whether each is a line of `events.schema.json`. */
export function assertLines(values: readonly unknown[]): void {
  for (const value of values) isLine(value);
}

/** Whether it is what `doctor.schema.json` says. */
export const assertDiagnosis: (value: unknown) => void = schemaOf(commandSchemas.doctor.url);
