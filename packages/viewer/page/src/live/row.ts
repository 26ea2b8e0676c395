/**
 * A connection in the words of the list. Programs and peers may have any name: it is text, and turns nothing around.
 *
 * @module
 */

import {
  type LiveConnection,
  type LiveSide,
  type LiveSummary,
  liveSummary,
  type Outcome,
  refusalOf,
} from '@handfast/viewer';
import { escapeText } from '@handfast/x509';
import { milliseconds } from '../words.ts';

export interface Row {
  readonly connection: LiveConnection;
  readonly outcome: Outcome;
  readonly failed: boolean;
  /** Of this machine's day: `14:03:59`. */
  readonly time: string;
  /** `node app.js (11) → handfast serve (22)` */
  readonly who: string;
  /** With the whole names of the programs. */
  readonly inFull: string;
  readonly target: string;
  /** What was agreed on, or why nothing was. */
  readonly what: string;
  /** What is special about it. */
  readonly marks: readonly string[];
  readonly took: string;
  /** What the filter looks at, in lower case. */
  readonly searched: string;
}

const made = new WeakMap<LiveConnection, { readonly revision: number; readonly row: Row }>();

export function rowOf(connection: LiveConnection): Row {
  const { revision } = connection;
  const before = made.get(connection);
  if (before?.revision === revision) return before.row;
  const row = makeRow(connection);
  made.set(connection, { revision, row });
  return row;
}

/** The list's sign for it, which words say as well. */
export const signs: Readonly<Record<Outcome, string>> = { good: '✓', failed: '✗', going: '…', gone: '–' };

export const outcomes: Readonly<Record<Outcome, string>> = {
  good: 'connected',
  failed: 'failed',
  going: 'under way',
  gone: 'its program is gone',
};

function makeRow(connection: LiveConnection): Row {
  const summary = liveSummary(connection);
  const { outcome, failure, negotiated } = summary;
  const who = whoOf(connection, shortName);
  const inFull = whoOf(connection, (name) => name);
  const target = escapeText(summary.target ?? '');
  const time = timeOf(summary.started);
  const took = outcome === 'good' || outcome === 'failed' ? milliseconds(summary.took) : '';
  const what = whatOf(summary);
  const marks = marksOf(connection, summary);
  const code = failure && [failure.error.code, failure.error.certificateCode].join(' ');
  return {
    ...{ connection, outcome, failed: failure !== undefined, time, who, inFull, target, what, marks, took },
    searched: [
      inFull,
      target,
      what,
      ...marks,
      outcomes[outcome],
      code,
      negotiated?.serverName,
      negotiated?.alpnProtocol,
    ]
      .join(' ')
      .toLowerCase(),
  };
}

function whoOf({ client, server }: LiveConnection, called: (name: string) => string): string {
  const nameOf = ({ program: { name, pid } }: LiveSide): string => `${escapeText(called(name))} (${pid})`;
  if (client === undefined) return server === undefined ? '' : `→ ${nameOf(server)}`;
  if (server === undefined) return nameOf(client);
  return `${nameOf(client)} → ${server.program === client.program ? 'itself' : nameOf(server)}`;
}

/** `node app.js` of `node /srv/app.js`. */
function shortName(name: string): string {
  return name
    .split(' ')
    .map((word) => word.slice(Math.max(word.lastIndexOf('/'), word.lastIndexOf('\\')) + 1) || word)
    .join(' ');
}

function whatOf({ outcome, failure, negotiated }: LiveSummary): string {
  if (failure !== undefined) return refusalOf(failure.error).title;
  if (negotiated === undefined) return outcomes[outcome];
  const { version, cipherSuite, group } = negotiated;
  return [version, shortSuite(cipherSuite), ...(group ? [group] : [])].map(escapeText).join(' · ');
}

/** What protects the data: `AES_128_GCM`. The rest says itself elsewhere in the row, or below. */
function shortSuite(name: string): string {
  return name.replace(/^TLS_(?:.*_WITH_)?/, '').replace(/_SHA\d*$/, '');
}

function marksOf({ client, server }: LiveConnection, { negotiated }: LiveSummary): readonly string[] {
  return [
    ...(negotiated?.resumed ? ['resumed'] : []),
    ...(negotiated?.preSharedKey && !negotiated.resumed ? ['shared key'] : []),
    ...(negotiated?.earlyData ? [negotiated.earlyData === 'accepted' ? 'early data' : 'early data refused'] : []),
    ...(negotiated?.helloRetryRequest ? ['second hello'] : []),
    ...(client?.dropped || server?.dropped ? ['not all kept'] : []),
  ];
}

function timeOf(started: string): string {
  const time = new Date(started);
  if (Number.isNaN(time.getTime())) return '–';
  return [time.getHours(), time.getMinutes(), time.getSeconds()].map((one) => String(one).padStart(2, '0')).join(':');
}
