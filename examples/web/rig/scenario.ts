/**
 * What is asked of an example.
 *
 * @module
 */

import type { World } from './world.ts';

export interface Scenario {
  /** The folder of the example. */
  readonly example: string;
  /** A sentence of what is so. */
  readonly name: string;
  run(world: World): Promise<void>;
}
