/**
 * What `connect` and `serve` tell beside the conversation: lines for people, or JSON lines for programs (`--json`).
 *
 * @module
 */

import type { Writable } from 'node:stream';
import type { TraceEvent } from '@handfast/tls';
import { explain, explainJson } from './explain.ts';
import { type Colors, colorsFor, type Io, widthOf } from './io.ts';
import { traceJson } from './trace-json.ts';
import { Transcript } from './transcript.ts';

export interface ReportOptions {
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly color?: boolean;
}

export class Report {
  readonly colors: Colors;
  readonly #stream: Writable;
  readonly #json: boolean;
  readonly #quiet: boolean;

  constructor(io: Io, options: ReportOptions) {
    this.#stream = io.stderr;
    this.#json = options.json ?? false;
    this.#quiet = options.quiet ?? false;
    this.colors = colorsFor(io.stderr, io.env, options.color ?? true);
  }

  /** News: a line, unless `--quiet`; or a value with its name. */
  news(text: string, event: string, value: object): void {
    if (this.#json) this.#value({ event, ...value });
    else if (!this.#quiet) this.#line(text);
  }

  /** What people alone want to read, unless `--quiet`. */
  line(text: string): void {
    if (!this.#json && !this.#quiet) this.#line(text);
  }

  /** What programs alone want to know. */
  data(event: string, value: object): void {
    if (this.#json) this.#value({ event, ...value });
  }

  /** What is said even under `--quiet`. */
  important(text: string, event: string, value: object): void {
    if (this.#json) this.#value({ event, ...value });
    else this.#line(text);
  }

  warning(text: string): void {
    this.important(`${this.colors.yellow('warning:')} ${text}`, 'warning', { message: text });
  }

  error(error: unknown, context: object = {}): void {
    if (this.#json) this.#value({ event: 'error', ...context, ...explainJson(error) });
    else for (const line of explain(error, this.colors, widthOf(this.#stream))) this.#line(line);
  }

  /** A listener for `--trace`; each connection has its own. */
  tracer(context: object = {}): (event: TraceEvent) => void {
    if (this.#json) return (event) => this.#value({ ...traceJson(event), ...context });
    const transcript = new Transcript({ write: (line) => this.#line(line), colors: this.colors });
    transcript.header();
    let scheduled = false;
    return (event) => {
      transcript.event(event);
      if (scheduled) return;
      scheduled = true;
      // Data that waits for more of its kind is drawn at the end of the turn.
      setImmediate(() => {
        scheduled = false;
        transcript.flush();
      });
    };
  }

  #line(text: string): void {
    this.#stream.write(`${text}\n`);
  }

  #value(value: object): void {
    this.#stream.write(`${JSON.stringify(value)}\n`);
  }
}
