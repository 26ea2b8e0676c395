/**
 * Handshakes for people: bytes as trees of named fields.
 *
 * @module
 */

export type { About, Field } from './dissect/field.ts';
export { dissectMessage, type MessageVersion } from './dissect/messages.ts';
export { partsOf, summary } from './dissect/summary.ts';
export { certificateFields } from './dissect/x509.ts';
export {
  type Arrow,
  arrowsOf,
  type Flight,
  type Handshake,
  type HandshakeParts,
  handshakeOf,
  type Incident,
  type Note,
  otherOf,
  type Party,
  type Protection,
  type Rung,
  type Secret,
} from './ladder/handshake.ts';
export { is13, type ScheduleNode, scheduleOf } from './ladder/schedule.ts';
export { among, choicesOf, dissectArrow, keyPurposes } from './ladder/words.ts';
export {
  curveOf,
  groupName,
  groupNote,
  type HandshakeMessage,
  isGrease,
  messageTitle,
  schemeName,
  suiteName,
  versionName,
} from './names.ts';
export { CaptureError } from './pcapng/blocks.ts';
export { type Capture, type CaptureOptions, maxCaptureBytes, readCapture } from './pcapng/read.ts';
export type { StreamLimits } from './pcapng/streams.ts';
export { writePcapng } from './pcapng/write.ts';
export { fromBase64, toBase64 } from './recording/base64.ts';
export { type Recorder, type RecorderOptions, recorder } from './recording/recorder.ts';
export {
  type Direction,
  type RecordedCheck,
  type RecordedError,
  type RecordedEvent,
  type RecordedLink,
  type RecordedNegotiated,
  type RecordedPath,
  type RecordedPeer,
  type Recording,
  RecordingError,
  readRecording,
  recordingLimits,
  recordingSchema,
} from './recording/recording.ts';
