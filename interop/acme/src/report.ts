/**
 * What the run says: a line a row as it is done, what failed at the end and in full, and the tables of README.md, which are made of
 * the rows that ran.
 *
 * @module
 */

import { readFileSync, writeFileSync } from 'node:fs';

/** Something that was proven of somebody: one cell of a table. */
export interface Row {
  readonly table: string;
  readonly who: string;
  readonly column: string;
  /** What the cell says; `yes` unless set. */
  readonly how?: string | undefined;
  readonly ms: number;
}

export interface Failure {
  readonly who: string;
  readonly error: unknown;
  /** The CA's log. */
  readonly events: readonly string[];
}

const readme = new URL('../README.md', import.meta.url);
const logLines = 60;

export class Report {
  readonly rows: Row[] = [];
  readonly failures: Failure[] = [];

  done(row: Row): void {
    this.rows.push(row);
    const { who, column, how, ms } = row;
    const words = how === undefined || how === '' ? column : `${column} (${how})`;
    process.stdout.write(`✓  ${who.padEnd(28)} ${words}  ${(ms / 1000).toFixed(1)} s\n`);
  }

  failed(failure: Failure): void {
    this.failures.push(failure);
    process.stdout.write(`✗  ${failure.who}: see below\n`);
  }

  /** What failed, with all that was said. */
  tellFailures(): void {
    for (const { who, error, events } of this.failures) {
      const words = error instanceof Error ? (error.stack ?? error.message) : String(error);
      const log = events.slice(-logLines).map((event) => `the CA: ${event}`);
      process.stdout.write(`\n✗  ${who}\n${indented([words, ...log].join('\n'))}\n`);
    }
  }

  /**
   * Puts the tables between their marks in README.md where `write` is set; else says whether they stand there as they are.
   *
   * @param order of the columns, by table
   */
  tables(order: ReadonlyMap<string, readonly string[]>, write: boolean): boolean {
    let text = readFileSync(readme, 'utf8');
    const before = text;
    for (const [table, columns] of order) {
      const pattern = new RegExp(`(<!-- ${table} -->\n)[^]*?(<!-- /${table} -->)`);
      if (!pattern.test(text)) throw new Error(`README.md has no place for the table of ${table}`);
      text = text.replace(
        pattern,
        (_, begin: string, end: string) => `${begin}\n${this.#table(table, columns)}\n${end}`,
      );
    }
    if (write) writeFileSync(readme, text);
    return write || text === before;
  }

  /** Who is a row, what is a column; an empty cell: it was not tried, or has none. */
  #table(table: string, columns: readonly string[]): string {
    const rows = this.rows.filter((row) => row.table === table);
    const who = [...new Set(rows.map((row) => row.who))].toSorted((a, b) => a.localeCompare(b, 'en'));
    const lines = who.map((one) => {
      const cells = columns.map((column) => {
        const row = rows.find((each) => each.who === one && each.column === column);
        return row === undefined ? '' : (row.how ?? 'yes');
      });
      return `| ${[one, ...cells].join(' | ')} |\n`;
    });
    return `| | ${columns.join(' | ')} |\n|${'---|'.repeat(columns.length + 1)}\n${lines.join('')}`;
  }
}

function indented(text: string): string {
  return text.trimEnd().replaceAll(/^/gm, '     ');
}
