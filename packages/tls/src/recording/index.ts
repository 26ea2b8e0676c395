/**
 * Connections written down as they happen: a recorder for `trace`, and what it writes. It has nothing of any runtime's, so that
 * programs, pages and `handfast view` record alike; `@handfast/viewer` reads and shows it.
 *
 * @module
 */

export { base64Length, fromBase64, toBase64 } from './base64.ts';
export { type PartRecorder, type PartRecorderOptions, partRecorder } from './parts.ts';
export { type Recorder, type RecorderOptions, recorder } from './recorder.ts';
export {
  type Direction,
  maxLiveLine,
  type Part,
  type PartBegins,
  type RecordedCheck,
  type RecordedError,
  type RecordedEvent,
  type RecordedLink,
  type RecordedNegotiated,
  type RecordedPath,
  type RecordedPeer,
  type Recording,
  recordingLimits,
} from './recording.ts';
