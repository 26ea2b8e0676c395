/**
 * A listener that writes a connection down, whole: its parts, put together.
 *
 * @module
 */

import type { KeyLogListener, TraceListener } from '../trace.ts';
import { type PartRecorderOptions, partRecorder } from './parts.ts';
import type { Part, Recording } from './recording.ts';

export interface RecorderOptions extends PartRecorderOptions {
  /** What makes the recording. Default: `handfast`. */
  readonly program?: string;
}

export interface Recorder {
  /** For `trace`, of a config or a handler: the first connection that it hears of is the one that it records. */
  readonly trace: TraceListener;
  /** For `keyLog`, where the recording is to have the connection's secrets: leave it out where not. */
  readonly keyLog: KeyLogListener;
  /** What was recorded so far; undefined before the first event. */
  recording(): Recording | undefined;
}

/**
 * @example
 * ```ts
 * const { trace, recording } = recorder({ target: 'example.com:443' });
 * const config = clientConfig({ ...options, trace, traceDetails: { wire: true } });
 * // … and after the connection:
 * const text = JSON.stringify(recording());
 * ```
 */
export function recorder(options: RecorderOptions = {}): Recorder {
  const { trace, keyLog, take } = partRecorder(options);
  const { program = 'handfast' } = options;
  let whole: Recording | undefined;
  return {
    ...{ trace, keyLog },
    recording() {
      const part = take();
      if (part !== undefined) whole = withPart(whole, part, program);
      return whole && { ...whole, events: [...whole.events] };
    },
  };
}

/** A recording with one part more, where there is a recording, or a beginning of one. */
function withPart(before: Recording | undefined, part: Part, program: string): Recording | undefined {
  const { begins, events, keyLog, ...news } = part;
  const { negotiated = before?.negotiated, peer = before?.peer, error = before?.error } = news;
  const { dropped = before?.dropped } = news;
  const { role, target, started } = before ?? begins ?? {};
  if (role === undefined || started === undefined) return undefined;
  const lines = [...(before?.keyLog ?? []), ...(keyLog ?? [])];
  return {
    format: 'handfast-recording',
    version: 1,
    program,
    role,
    ...(target !== undefined && { target }),
    started,
    events: [...(before?.events ?? []), ...(events ?? [])],
    ...(lines.length > 0 && { keyLog: lines }),
    ...(negotiated && { negotiated }),
    ...(peer && { peer }),
    ...(error && { error }),
    ...(dropped && { dropped }),
  };
}
