/**
 * Handshakes for people: bytes as trees of named fields.
 *
 * @module
 */

export {
  type Direction,
  fromBase64,
  type RecordedCheck,
  type RecordedError,
  type RecordedEvent,
  type RecordedLink,
  type RecordedNegotiated,
  type RecordedPath,
  type RecordedPeer,
  type Recorder,
  type RecorderOptions,
  type Recording,
  recorder,
  recordingLimits,
  toBase64,
} from '@handfast/tls/recording';
export { type ComparedMessage, type Comparison, compareHandshakes } from './compare/compare.ts';
export type { Fact } from './compare/facts.ts';
export type { FieldDifference } from './compare/fields.ts';
export { differenceText, freshText, pathText, rowText } from './compare/words.ts';
export type { About, Field } from './dissect/field.ts';
export { dissectMessage, type MessageVersion } from './dissect/messages.ts';
export { dissectRecords, wireBytes } from './dissect/record.ts';
export { partsOf, summary } from './dissect/summary.ts';
export { certificateFields } from './dissect/x509.ts';
export { certificateRefusals } from './explain/certificates.ts';
export { connectionRefusals } from './explain/connections.ts';
export { type FailureCodes, type Refusal, refusalOf, type Turn, whoseTurn } from './explain/refusal.ts';
export type { PageParts } from './keep/html.ts';
export { aboutSize, type KeepOptions, type KeptFormat, keepConnection, keptFormats } from './keep/keep.ts';
export { hasSecrets, hasWire, withoutSecrets } from './keep/secrets.ts';
export { type Glimpse, glimpsesOf, type Overheard, overheardIn } from './ladder/between.ts';
export { type FewData, fewData } from './ladder/few.ts';
export {
  type Arrow,
  arrowsOf,
  type Flight,
  type Handshake,
  type HandshakeParts,
  handshakeOf,
  type Incident,
  isRecorded,
  type Note,
  type Protection,
  type Rung,
  type Secret,
} from './ladder/handshake.ts';
export { type Failure, failureOf, finderOf, type Result, resultOf } from './ladder/outcome.ts';
export { otherOf, type Party } from './ladder/party.ts';
export { isSealed, type Piece, type WireRecord } from './ladder/records.ts';
export { is13, type ScheduleNode, scheduleOf } from './ladder/schedule.ts';
export { among, choicesOf, dissectArrow, keyPurposes } from './ladder/words.ts';
export { type LiveConnections, type LiveLimits, liveConnections } from './live/merge.ts';
export {
  type LiveEvent,
  type LiveLine,
  type LiveProgramLine,
  type LostLine,
  maxLiveLine,
  type Part,
  readLiveLine,
} from './live/part.ts';
export type { LiveConnection, LiveProgram, LiveSide } from './live/side.ts';
export { type LiveSummary, liveSummary, type Outcome } from './live/summary.ts';
export {
  curveOf,
  groupName,
  groupNote,
  type HandshakeMessage,
  messageTitle,
  schemeName,
  suiteName,
  versionName,
} from './names.ts';
export {
  checkSize,
  type GivenFile,
  maxOpenBytes,
  OpenError,
  type Opened,
  openFiles,
} from './open/open.ts';
export { CaptureError } from './pcapng/blocks.ts';
export { type Capture, type CaptureOptions, maxCaptureBytes, readCapture } from './pcapng/read.ts';
export type { StreamLimits } from './pcapng/streams.ts';
export { writePcapng } from './pcapng/write.ts';
export {
  maxConnections,
  type RecordedConnection,
  type RecordedConnections,
  readConnections,
  recordingSchema,
} from './recording/connections.ts';
export { RecordingError, readRecording } from './recording/recording.ts';
