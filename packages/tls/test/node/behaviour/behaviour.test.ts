/**
 * The behaviour of `node:tls`, held against ours: each test runs on both, and expects the same of both, but for what stands in
 * `differences.ts`; and what two ends are about runs on a client of each with a server of the other as well, where nothing else may
 * be seen. The subjects are run by one process, since most of their time is a process's first.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { differences } from './differences.ts';
import './lifecycle.ts';
import './streams.ts';
import './errors.ts';
import './transports.ts';
import './negotiation.ts';
import './callbacks.ts';

it('what differs differs, and has its reason', () => {
  for (const [name, { node, ours, why }] of Object.entries(differences)) {
    assert.notEqual(why, '', name);
    assert.notDeepEqual(node, ours, name);
  }
});
