/**
 * The words of refusals: each code has its own, which fit where they are shown.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { alertOf } from '@handfast/tls';
import { certificateRefusals, connectionRefusals, refusalOf, whoseTurn } from '../../src/index.ts';

const rows = [...Object.entries(connectionRefusals), ...Object.entries(certificateRefusals)];

describe('the words of a refusal', () => {
  it('are there for every code', () => {
    assert.deepEqual(Object.keys(connectionRefusals).sort(), Object.keys(alertOf).sort());
  });

  it('have a title that fits one line, sentences, and a remedy that others put the stop behind', () => {
    for (const [code, { title, cause, remedy }] of rows) {
      assert.match(title, /^[A-Z].{8,58}[^.\s]$/, code);
      assert.match(cause, /^[A-Z][\s\S]{20,280}\.$/, code);
      assert.match(remedy, /^[^A-Z\s].*[^.\s]$/, code);
      assert.equal(remedy.split('`').length % 2, 1, code);
    }
  });

  it('tell codes apart by their titles, but where one code is the other one’s reason', () => {
    const titles = new Map<string, Set<unknown>>();
    for (const [, refusal] of rows) titles.set(refusal.title, (titles.get(refusal.title) ?? new Set()).add(refusal));
    assert.deepEqual(
      [...titles].filter(([, refusals]) => refusals.size > 1).map(([title]) => title),
      [],
    );
  });

  it('are the certificate’s own where a certificate was refused', () => {
    const refusal = refusalOf({ code: 'certificate_expired', certificateCode: 'not_yet_valid', origin: 'local' });
    assert.equal(refusal.title, 'The certificate is not yet valid');
  });

  it('explain the alert where the other side refused, and turn the turn', () => {
    const told = (alert: string) => refusalOf({ code: 'peer_alert', origin: 'peer', alert });
    assert.deepEqual(
      ['unknown_ca', 'certificate_required', 'no_application_protocol', 'access_denied'].map((alert) => {
        const { title, turn } = told(alert);
        return [title, turn];
      }),
      [
        ['Nobody trusted vouches for the certificate', 'either'],
        ['The server wants to know who the client is', 'this side'],
        ['No application protocol in common', 'either'],
        ['An alert ended the connection', 'either'],
      ],
    );
  });

  it('explain this side’s own alert, where a capture has nothing else', () => {
    const told = (origin: 'local' | 'peer', alert: string) => {
      const { title, turn } = refusalOf({ code: 'peer_alert', origin, alert });
      return [title, turn];
    };
    assert.deepEqual(told('local', 'certificate_expired'), [
      'The certificate has expired, or is not yet valid',
      'peer',
    ]);
    assert.deepEqual(told('local', 'access_denied'), ['An alert ended the connection', 'either']);
    // Alert 41 is the client’s word of itself; the error of that name is a server’s.
    const title = 'The server wants to know who the client is';
    assert.deepEqual(
      [told('local', 'no_certificate'), told('peer', 'no_certificate')],
      [
        [title, 'this side'],
        [title, 'peer'],
      ],
    );
    const { title: own } = refusalOf({ code: 'no_certificate', origin: 'local' });
    assert.equal(own, 'The server has no certificate that fits');
  });

  it('of what a file made up are those of a failure that nobody knows', () => {
    for (const code of ['__proto__', 'toString', '', 'of_a_later_version']) {
      const refusal = refusalOf({ code, certificateCode: code, origin: 'peer', alert: code });
      assert.deepEqual(
        [refusal.title, refusal.turn, refusal.remedy],
        ['A failure that this version does not know', 'either', 'read the message'],
      );
    }
  });

  it('say whose turn it is, from the side that found the fault', () => {
    assert.equal(whoseTurn('peer', 'client'), 'the server’s');
    assert.equal(whoseTurn('this side', 'client'), 'the client’s');
    assert.equal(whoseTurn('ca', 'server'), 'that of the CA that issued the client’s certificate');
  });
});
