/**
 * What is printed: a line for each thing that was done, and at the end the counts.
 *
 * @module
 */

import { readFileSync } from 'node:fs';
import type { Client } from './jobs.ts';
import type { Row } from './run.ts';

const versions = new Map<string, string>();

function versionOf({ package: name }: Client): string {
  if (name === undefined) return '';
  let version = versions.get(name);
  if (version === undefined) {
    const manifest = new URL(`../node_modules/${name}/package.json`, import.meta.url);
    version = String(JSON.parse(readFileSync(manifest, 'utf8')).version);
    versions.set(name, version);
  }
  return ` ${version}`;
}

interface Words {
  readonly client: string;
  readonly server: string;
  readonly who: string;
}

function words({ job }: Row, plain: boolean): Words {
  const { client, clientWay, server, serverWay } = job;
  const name = typeof server === 'string' ? server : `${server.name}${versionOf(server)}`;
  const clientName = `${client.name}${client.file === 'h2load' ? '' : versionOf(client)}`;
  const who =
    clientWay === 'node' || plain
      ? serverWay === 'node' || plain
        ? 'neither'
        : 'server'
      : serverWay === 'node'
        ? 'client'
        : 'both';
  return {
    client: clientWay === 'option' && !clientName.includes(',') ? `${clientName}, given a connection` : clientName,
    server: name,
    who,
  };
}

export function line(row: Row, plain: boolean): string {
  const { client, server, who } = words(row, plain);
  const { check, note, error } = row;
  const mark = error === undefined ? '✓' : '✗';
  const text = `${mark}  ${client.padEnd(36)} ${server.padEnd(20)} ${who.padEnd(8)} ${check}${note ? ` (${note})` : ''}\n`;
  return error === undefined ? text : `${text}${error.trimEnd().replaceAll(/^/gm, '       ')}\n`;
}

/** Counts by program and server; whose TLS is ours. */
export function counts(rows: readonly Row[], plain: boolean): string {
  const groups = Map.groupBy(rows, (row) => Object.values(words(row, plain)).join('|'));
  const body = [...groups].map(([key, all]) => {
    const failed = all.filter(({ error }) => error !== undefined).length;
    return [...key.split('|'), ...[all.length, all.length - failed, failed].map(String)];
  });
  return table(['client', 'server', 'ours is', 'rows', 'passed', 'failed'], body);
}

/** Columns in step; numbers to the right. */
export function table(head: readonly string[], body: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) => Math.max(title.length, ...body.map((row) => row[column]?.length ?? 0)));
  const aligned = (row: readonly string[]): string =>
    row
      .map((cell, column) =>
        /^\d+$/.test(cell) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd();
  return `${[aligned(head), aligned(widths.map((width) => '─'.repeat(width))), ...body.map(aligned)].join('\n')}\n`;
}
