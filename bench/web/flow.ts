/**
 * Bytes through streams, as an application moves them: a source that writes for a time, and a sink that reads to the end.
 *
 * @module
 */

/** What an application writes at a time. */
const chunkBytes = 64 * 1024;

/** Writes for so long, then ends the stream. Answers how many bytes. */
export async function pour(writable: WritableStream<Uint8Array>, milliseconds: number): Promise<number> {
  const writer = writable.getWriter();
  const start = performance.now();
  let written = 0;
  while (performance.now() - start < milliseconds) {
    await writer.ready;
    // A new one each time: a bare transport hands it over.
    const chunk = new Uint8Array(chunkBytes);
    written += chunk.length;
    // A failure is the next one's, or the end's.
    writer.write(chunk).catch(() => {});
  }
  await writer.close();
  return written;
}

/** Reads to the end. Answers how many bytes. */
export async function drink(readable: ReadableStream<Uint8Array | ArrayBuffer>): Promise<number> {
  const reader = readable.getReader();
  let length = 0;
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return length;
    length += value.byteLength;
  }
}

/** Reads for so long, and wants no more. Answers how many bytes. */
export async function sip(readable: ReadableStream<Uint8Array | ArrayBuffer>, milliseconds: number): Promise<number> {
  const reader = readable.getReader();
  const start = performance.now();
  let length = 0;
  while (performance.now() - start < milliseconds) {
    const { value, done } = await reader.read();
    if (done) throw new Error('it ended before its time');
    length += value.byteLength;
  }
  void reader.cancel();
  return length;
}

/** Who has one end of a transport in another realm, or another process: what it does with it. */
export type Part = 'source' | 'sink';

/** Longer than any round: whoever reads ends it. */
const always = 600_000;

/** The other end's part: it reads to the end, then ends its own side; or it writes until nobody reads. */
export async function play(
  part: Part,
  { readable, writable }: { readable: ReadableStream<Uint8Array | ArrayBuffer>; writable: WritableStream<Uint8Array> },
): Promise<void> {
  if (part === 'source') await pour(writable, always);
  else {
    await drink(readable);
    await writable.close();
  }
}
