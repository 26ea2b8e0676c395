/**
 * Whether each peer's connections can be shown to people: a table of how many were, and of what; and what could not.
 *
 * @module
 */

import { table } from '../table.ts';
import type { Album } from './album.ts';
import { render } from './render.ts';

export interface Gallery {
  /** Connections in all. */
  readonly seen: number;
  /** A line for each peer, role and version. */
  readonly rows: readonly {
    readonly peer: string;
    readonly role: string;
    readonly version: string;
    readonly recordings: number;
    readonly messages: number;
    readonly fields: number;
  }[];
  /** What could not be shown, and where it was found first. */
  readonly faults: readonly string[];
}

/** A peer in a role at a version whose cases passed: there must be a recording of it. */
export interface Expected {
  readonly peer: string;
  readonly role: string;
  readonly version: string;
}

export function galleryOf({ pictures, seen }: Album, expected: readonly Expected[]): Gallery {
  const shown = pictures.map((picture) => ({ ...picture, ...render(picture) }));
  const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);
  const rows = [...Map.groupBy(shown, ({ sitter }) => keyOf(sitter)).values()].map((all) => {
    const { peer = '', role = '', version = '' } = all[0]?.sitter ?? {};
    return {
      ...{ peer, role, version, recordings: all.length },
      ...{ messages: sum(all.map(({ messages }) => messages)), fields: sum(all.map(({ fields }) => fields)) },
    };
  });
  const connected = new Set(shown.filter(({ recording }) => recording.negotiated).map(({ sitter }) => keyOf(sitter)));
  const missing = new Map(expected.filter((one) => !connected.has(keyOf(one))).map((one) => [keyOf(one), one]));
  // Each once: many peers meet the same, and numbers differ.
  const found = new Map<string, string>();
  for (const { sitter, faults } of shown) {
    for (const fault of faults) {
      const kind = fault.replaceAll(/\b\d+\b/g, '');
      if (!found.has(kind)) found.set(kind, `${sitter.peer} as ${sitter.role}, ${sitter.id}: ${fault}`);
    }
  }
  return {
    ...{ seen, rows },
    faults: [
      ...[...missing.values()].map(({ peer, role, version }) => `${peer} as ${role}, ${version}: nothing was recorded`),
      ...found.values(),
    ],
  };
}

function keyOf({ peer, role, version }: Expected): string {
  return [peer, role, version].join('|');
}

export function galleryTable({ rows, seen }: Gallery): readonly string[] {
  if (rows.length === 0) return [];
  return [
    `What people are shown of them: of ${seen.toLocaleString('en')} connections one of each kind, to its last byte\n`,
    table(
      ['peer', 'it is the', 'version', 'recordings', 'messages', 'fields'],
      rows.map(({ peer, role, version, recordings, messages, fields }) => [
        ...[peer, role, version, ...[recordings, messages, fields].map(String)],
      ]),
    ),
  ];
}

export function galleryFailures({ faults }: Gallery): readonly string[] {
  return faults.map((fault) => `FAILED to show ${fault}\n`);
}
