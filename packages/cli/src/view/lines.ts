/**
 * Lines of JSON from a stream of bytes: bounded in length, and nothing but UTF-8.
 *
 * @module
 */

/** Cuts what comes into lines, and answers what they say. Blank lines say nothing. */
export class JsonLines {
  readonly #maxLength: number;
  readonly #decoder = new TextDecoder('utf-8', { fatal: true });
  #parts: Buffer[] = [];
  #length = 0;

  /** @param maxLength of a line in bytes, its end included. */
  constructor(maxLength: number) {
    this.#maxLength = maxLength;
  }

  /**
   * The values that a chunk completes.
   * @throws RangeError, TypeError or SyntaxError: too long, no UTF-8, no JSON. Then nothing more can be read.
   */
  *push(chunk: Buffer): Generator<unknown> {
    let from = 0;
    for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, from)) {
      this.#keep(chunk.subarray(from, end));
      from = end + 1;
      const text = this.#decoder.decode(Buffer.concat(this.#parts));
      this.#parts = [];
      this.#length = 0;
      if (text.trim() !== '') yield JSON.parse(text);
    }
    this.#keep(chunk.subarray(from));
  }

  #keep(part: Buffer): void {
    this.#length += part.length;
    if (this.#length >= this.#maxLength) throw new RangeError(`a line has more than ${this.#maxLength} bytes`);
    // A copy: the chunk around a short beginning would be kept with it.
    if (part.length > 0) this.#parts.push(Buffer.from(part));
  }
}
