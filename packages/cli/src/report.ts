/**
 * What `connect` and `serve` tell beside the conversation: lines for people, or JSON lines for programs (`--json`).
 *
 * @module
 */

import type { Writable } from 'node:stream';
import { TlsError, type TraceEvent } from '@handfast/tls';
import { explain, explainJson } from './explain.ts';
import { Explanation } from './explanation.ts';
import { type Colors, colorsFor, type Io, widthOf } from './io.ts';
import { traceJson } from './trace-json.ts';
import { Transcript } from './transcript.ts';

export interface ReportOptions {
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly color?: boolean;
}

/** How a connection is drawn, if at all. */
export interface TraceOptions {
  readonly trace?: boolean;
  readonly explain?: boolean;
}

export class Report {
  readonly colors: Colors;
  readonly #stream: Writable;
  readonly #json: boolean;
  readonly #quiet: boolean;
  /** What the last failure said that an explanation has told of in its place: the adapter's error is another object. */
  #told: string | undefined;

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
    else if (error instanceof TlsError && error.message === this.#told) return;
    else for (const line of explain(error, this.colors, widthOf(this.#stream))) this.#line(line);
  }

  /** A listener for `--trace` and `--explain`; each connection has its own. */
  tracer(how: TraceOptions, context: object = {}): (event: TraceEvent) => void {
    if (this.#json) return (event) => this.#value({ ...traceJson(event), ...context });
    const write = (line: string): void => this.#line(line);
    if (how.explain) {
      const explained = flushing(new Explanation({ write, colors: this.colors, width: widthOf(this.#stream) }));
      return (event) => {
        explained(event);
        if (event.type === 'closed' && event.error !== undefined) this.#told = event.error.message;
      };
    }
    const transcript = new Transcript({ write, colors: this.colors });
    transcript.header();
    return flushing(transcript);
  }

  #line(text: string): void {
    this.#stream.write(`${text}\n`);
  }

  #value(value: object): void {
    this.#stream.write(`${JSON.stringify(value)}\n`);
  }
}

/** Data that waits for more of its kind is drawn at the end of the turn. */
function flushing(reader: Explanation | Transcript): (event: TraceEvent) => void {
  let scheduled = false;
  return (event) => {
    reader.event(event);
    if (scheduled) return;
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      reader.flush();
    });
  };
}
