/**
 * What `ca serve` reports: lines for people on stderr, and with `--log json` the same as JSON on stdout, an object a line, for who
 * collects logs: `time`, `level`, `event`, and the event's own fields. No line holds a secret; what a client sent is escaped.
 *
 * @module
 */

import type { Writable } from 'node:stream';
import { explainJson } from '../../explain.ts';
import type { Io } from '../../io.ts';
import { Report, type ReportOptions } from '../../report.ts';

export interface LogOptions extends ReportOptions {
  /** `json`, or `text` (unless set): for people alone. */
  readonly log?: string;
}

export type Level = 'info' | 'warning' | 'error';

export function serveReport(io: Io, options: LogOptions): Report {
  return options.log === 'json' ? new LoggedReport(io, options) : new Report(io, options);
}

class LoggedReport extends Report {
  readonly #stream: Writable;

  constructor(io: Io, options: ReportOptions) {
    super(io, options);
    this.#stream = io.stdout;
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
    super.error(error, context);
    this.#log('error', 'error', { ...context, ...explainJson(error) });
  }

  #log(level: Level, event: string, value: object): void {
    this.#stream.write(logLine(new Date(), level, event, value));
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
