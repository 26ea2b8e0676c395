/**
 * The suite as a program: its arguments are where the server outside is, as JSON, and words that choose tests. The last line of its
 * output is the report, as JSON.
 *
 * @module
 */

import { report } from '../suite/index.ts';
import { type Opener, setOutside } from '../suite/outside.ts';

export async function program(open: Opener): Promise<void> {
  const [outside = '', ...words] = process.argv.slice(2);
  setOutside(JSON.parse(outside), open);
  const all = JSON.stringify(await report(words));
  // What is left open must not keep it alive; what was written must be out.
  process.stdout.write(`${all}\n`, () => process.exit(0));
}
