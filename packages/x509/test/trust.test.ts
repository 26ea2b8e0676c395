import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseCertificate, trustStore } from '../src/index.ts';
import { issued } from './support/pki.ts';

const root = (await issued('Root', undefined, { ca: true })).certificate;
const anew = (await issued('ROOT', undefined, { ca: true })).certificate;
const other = (await issued('Other', undefined, { ca: true })).certificate;

describe('a trust store', () => {
  it('finds anchors by subject, in any case', () => {
    const store = trustStore([root, other, anew]);
    assert.deepEqual(store.bySubject(root.subject), [root, anew]);
    assert.deepEqual(store.bySubject(other.subject), [other]);
  });
  it('has exactly its certificates', () => {
    const store = trustStore([root]);
    assert.equal(store.has(parseCertificate(root.raw)), true);
    assert.equal(store.has(anew), false);
  });
  it('keeps a certificate once', () => assert.equal(trustStore([root, parseCertificate(root.raw)]).anchors.length, 1));
  it('that is empty has nobody', () => {
    const store = trustStore([]);
    assert.deepEqual([store.anchors.length, store.has(root), store.bySubject(root.subject)], [0, false, []]);
  });
  it('cannot be changed', () => {
    const store = trustStore([root]);
    assert.ok(Object.isFrozen(store) && Object.isFrozen(store.anchors));
  });
});
