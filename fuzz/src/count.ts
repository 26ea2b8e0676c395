/**
 * What a part of `npm run fuzz` comes to.
 *
 * @module
 */

export interface Count {
  readonly passed: number;
  readonly failed: number;
}
