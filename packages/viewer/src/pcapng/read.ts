/**
 * Captures as recordings: every TLS connection that a pcapng or pcap file holds, decrypted where the file or a key log beside it has
 * the secrets. Nothing of it is verified: a recording tells what was said.
 *
 * @module
 */

import type { Cryptography } from '@handfast/crypto';
import type { CipherSuite } from '@handfast/tls';
import { KeyLogSecrets } from '@handfast/tls/observe';
import type { Recording } from '@handfast/tls/recording';
import { CaptureError, readItems } from './blocks.ts';
import { Importer } from './import.ts';
import { segmentOf } from './packet.ts';
import { type Stream, type StreamLimits, Streams } from './streams.ts';

export interface CaptureOptions {
  /** Cryptography for what is to be decrypted: `webProvider` in a browser. */
  readonly provider: Cryptography;
  /** The text of an SSLKEYLOGFILE, where the capture has none in it. */
  readonly keyLog?: string;
  /** Suites whose records are decrypted. Default: TLS 1.3's, and those that TLS 1.2 offers by default. */
  readonly cipherSuites?: readonly CipherSuite[];
  readonly limits?: Partial<StreamLimits>;
}

export interface Capture {
  /** One a TLS connection, as its client saw it, in the order in which they began. */
  readonly recordings: readonly Recording[];
  /** What was not read, and why. */
  readonly notes: readonly string[];
}

/** Default: a capture of a browser's evening is more than anybody looks at. */
const usual: StreamLimits = { connections: 1000, bytes: 16 * 1024 * 1024 };

/** The largest capture that is read, in bytes. */
export const maxCaptureBytes = 268_435_456;

/**
 * Reads a capture of Wireshark, `tshark`, `dumpcap` or `tcpdump`, or one that `writePcapng` made.
 * @throws CaptureError with the offset of what is wrong.
 */
export async function readCapture(file: Uint8Array, options: CaptureOptions): Promise<Capture> {
  if (file.length > maxCaptureBytes) {
    throw new CaptureError(undefined, `the capture has ${file.length} bytes, where ${maxCaptureBytes} are read`, {
      hint: 'cut the connection out of it: tshark -r LARGE -Y "tcp.stream == 0" -w SMALL',
    });
  }
  const secrets = new KeyLogSecrets();
  if (options.keyLog !== undefined) secrets.add(options.keyLog);
  const streams = new Streams({ ...usual, ...options.limits });
  const notes = putTogether(file, secrets, streams);
  const recordings: Recording[] = [];
  for (const [index, stream] of streams.all.entries()) {
    const say = (note: string): void => void notes.push(`connection ${index + 1} (${nameOf(stream)}): ${note}`);
    for (const note of stream.notes) say(note);
    const recording = await recordingOf(stream, secrets, options, say);
    if (recording !== undefined) recordings.push(recording);
  }
  if (streams.passedOver > 0)
    notes.push(`${streams.passedOver} connections more are in the capture: they were not read`);
  return { recordings, notes };
}

function putTogether(file: Uint8Array, secrets: KeyLogSecrets, streams: Streams): string[] {
  const notes: string[] = [];
  let cut = 0;
  for (const item of readItems(file)) {
    if (item.type === 'secrets') secrets.add(item.text);
    else if (item.type === 'end') notes.push(`at byte ${item.offset}: ${item.why}`);
    else {
      if (!item.whole) cut++;
      const segment = segmentOf(item.linkType, item.bytes);
      if (segment !== undefined) streams.segment(segment, item.ms);
    }
  }
  if (cut > 0) notes.push(`${cut} packets were not captured whole: capture with a snapshot length of 0`);
  return notes;
}

async function recordingOf(
  stream: Stream,
  secrets: KeyLogSecrets,
  options: CaptureOptions,
  say: (note: string) => void,
): Promise<Recording | undefined> {
  const first = stream.chunks.find(({ from }) => from === 'client') ?? stream.chunks[0];
  if (first === undefined) return undefined;
  if (first.bytes[0] !== 22 || (first.bytes[1] ?? 3) !== 3) {
    say('it does not begin with TLS');
    return undefined;
  }
  const { provider, cipherSuites } = options;
  const importer = new Importer({ provider, secrets, ...(cipherSuites && { cipherSuites }), say });
  for (const { from, bytes, ms } of stream.chunks) await importer.receive(from, bytes, ms);
  return importer.finish(stream);
}

function nameOf({ clientText, serverText }: Stream): string {
  return `${clientText} → ${serverText}`;
}
