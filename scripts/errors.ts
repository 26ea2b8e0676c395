/**
 * docs/errors.md: every error code and every cause that `handfast doctor` knows, from the tables that the doctor goes by. Run
 * by `npm run docs`; a test fails where the page is not what the tables say.
 *
 * @module
 */

import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { errorsPage } from '../packages/cli/src/doctor/reference.ts';

export const page: URL = new URL('../docs/errors.md', import.meta.url);

if (import.meta.main) writeFileSync(fileURLToPath(page), errorsPage());
