/**
 * What `ca serve` reports: lines for people on stderr, and with `--log json` the same as JSON on stdout, an object a line, for who
 * collects logs: `time`, `level`, `event`, and the event's own fields. No line holds a secret; what a client sent is escaped.
 *
 * @module
 */

import type { Writable } from 'node:stream';
import pc from 'picocolors';
import { CliError, exitCodes } from '../../exit.ts';
import { explain, explainJson } from '../../explain.ts';
import { goOnUnwritten, type Io } from '../../io.ts';
import { reasonOf } from '../../options.ts';
import { Report, type ReportOptions } from '../../report.ts';

export interface LogOptions extends ReportOptions {
  /** `json`, or `text` (unless set): for people alone. */
  readonly log?: string;
}

export type Level = 'info' | 'warning' | 'error';

/** What has gone wrong, for the metrics. */
export interface Tally {
  /** Whatever is an error of the CA's own is told of by its report, and so counted once. */
  errors: number;
  /** What could not be written. */
  readonly unwritten: { stdout: number; stderr: number };
}

/** A log that cannot be written ends no server: it is counted, and said once on the other stream. */
export function serveReport(io: Io, options: LogOptions): ServeReport {
  const report = new ServeReport(io, options);
  for (const name of ['stdout', 'stderr'] as const) {
    goOnUnwritten(io[name], (cause) => {
      if (report.tally.unwritten[name]++ > 0) return;
      const error = new CliError(exitCodes.failed, `${name} cannot be written: ${reasonOf(cause)}`, {
        cause,
        hint: 'is the disk full that it goes to? The server goes on, and what it would tell there is lost',
      });
      report.error(error);
      if (name === 'stderr' && options.log !== 'json') io.stdout.write(linesOf(error));
    });
  }
  return report;
}

function linesOf(error: CliError): string {
  const lines = explain(error, pc.createColors(false));
  return lines.map((line) => `${line}\n`).join('');
}

export class ServeReport extends Report {
  readonly tally: Tally = { errors: 0, unwritten: { stdout: 0, stderr: 0 } };
  /** Where programs read. */
  readonly #stream: Writable | undefined;

  constructor(io: Io, options: LogOptions) {
    super(io, options);
    this.#stream = options.log === 'json' ? io.stdout : undefined;
  }

  override news(text: string, event: string, value: object): void {
    super.news(text, event, value);
    this.#log('failure' in value && value.failure !== null ? 'warning' : 'info', event, value);
  }

  override data(event: string, value: object): void {
    super.data(event, value);
    this.#log('info', event, value);
  }

  override important(text: string, event: string, value: object): void {
    super.important(text, event, value);
    this.#log(event === 'warning' ? 'warning' : 'info', event, value);
  }

  override error(error: unknown, context: object = {}): void {
    this.tally.errors++;
    super.error(error, context);
    this.#log('error', 'error', { ...context, ...explainJson(error) });
  }

  #log(level: Level, event: string, value: object): void {
    this.#stream?.write(logLine(new Date(), level, event, value));
  }
}

/** A line of its own, whatever is in it: terminals and line readers see no control character. */
export function logLine(time: Date, level: Level, event: string, value: object): string {
  const json = JSON.stringify({ time: time.toISOString(), level, event, ...value });
  const escaped = json.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) =>
    [...Array(character.length).keys()]
      .map((at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`)
      .join(''),
  );
  return `${escaped}\n`;
}
