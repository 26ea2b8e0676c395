/**
 * Where the built page is: `npm run build` makes it, and the package carries it. `handfast view` serves it; any static server can.
 *
 * @module
 */

/** The folder of `index.html` and what that loads, as a `file:` URL. In a clone it is there once `npm run viewer` has built it. */
export function siteFolder(): URL {
  return new URL('../site/', import.meta.url);
}
