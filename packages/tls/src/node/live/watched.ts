/**
 * A connection that a viewer looks at: what is recorded of it, and what of that was lost on the way.
 *
 * @module
 */

import { type PartRecorder, partRecorder } from '../../recording/parts.ts';
import type { Part } from '../../recording/recording.ts';
import { bytesOf } from './lines.ts';

/** Of one connection, in all. In base64 it fits a line. */
const limits = { maxEvents: 2000, maxBytes: 524_288 } as const;

export class Watched {
  readonly #recorder: PartRecorder;
  /** Of parts that were lost: what is small, and tells what became of the connection. */
  #rest: Part | undefined;
  readonly #lost: { events: number; bytes: number } = { events: 0, bytes: 0 };
  #dropped: NonNullable<Part['dropped']> = { events: 0, bytes: 0 };

  constructor(target: string | undefined, now: () => number) {
    this.#recorder = partRecorder({ ...limits, now, ...(target !== undefined && { target }) });
  }

  get recorder(): PartRecorder {
    return this.#recorder;
  }

  /** What is new, and what is left of parts that were lost. */
  take(): Part | undefined {
    const news = this.#recorder.take();
    const part = this.#rest === undefined ? news : { ...this.#rest, ...news };
    this.#rest = undefined;
    this.#dropped = news?.dropped ?? this.#dropped;
    if (part === undefined || this.#lost.events === 0) return part;
    return {
      ...part,
      dropped: {
        events: this.#dropped.events + this.#lost.events,
        bytes: this.#dropped.bytes + this.#lost.bytes,
      },
    };
  }

  /** A part that was taken does not reach the viewer. */
  lose({ id, begins, events = [], negotiated, error, ended }: Part): void {
    this.#lost.events += events.length;
    this.#lost.bytes += bytesOf(events);
    this.#rest = {
      id,
      ...(begins && { begins }),
      ...(negotiated && { negotiated }),
      ...(error && { error }),
      ...(ended && { ended }),
    };
  }
}
