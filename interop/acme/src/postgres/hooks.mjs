/** Puts PostgreSQL in SQLite's place (`instead-of-sqlite.ts`) for a program that runs after `--import` of this. */

import { registerHooks } from 'node:module';

const instead = new URL('instead-of-sqlite.ts', import.meta.url).href;
const replaced = /\/packages\/ca\/(src\/store\/sqlite|test\/acme\/support\/database)\.ts$/;

registerHooks({
  resolve(specifier, context, next) {
    const found = next(specifier, context);
    return replaced.test(found.url) ? { ...found, url: instead } : found;
  },
});
