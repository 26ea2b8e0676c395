#!/usr/bin/env node
/**
 * The `handfast` command. In a clone it starts the sources through the launcher, which installs what is missing and
 * brings the right Node; an installed package holds no tsconfig.json, and starts what was built.
 */
import { existsSync } from 'node:fs';

if (existsSync(new URL('../tsconfig.json', import.meta.url))) {
  const { launch } = await import('../../../scripts/run.mjs');
  await launch('handfast', process.argv.slice(2));
} else {
  await import('../dist/main.js');
}
