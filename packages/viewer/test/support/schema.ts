/**
 * Values held to a JSON Schema of a file.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { Validator } from '@cfworker/json-schema';

/** A check that throws for a value that is not as the file says, with the value and why. */
export function schemaOf(file: URL): (value: unknown) => void {
  const validator = new Validator(JSON.parse(readFileSync(file, 'utf8')), '2020-12');
  return (value) => {
    const { valid, errors } = validator.validate(value);
    const why = errors.map(({ instanceLocation, error }) => `${instanceLocation}: ${error}`).join('\n');
    assert.ok(valid, `${JSON.stringify(value)} is not as ${file.pathname} has it:\n${why}`);
  };
}
