/**
 * Bytes as a tree of named fields. A `Walker` goes through them once and never throws: what is cut off, or stands where nothing
 * should, becomes a field that says so, so that a reader sees the bytes that a strict decoder would only refuse.
 *
 * @module
 */

/** Some bytes, and what they are. */
export interface Field {
  /** The RFC's name: `legacy_version`. */
  readonly name: string;
  /** Where it stands in the whole: from `start` up to, and without, `end`. */
  readonly start: number;
  readonly end: number;
  /** What the bytes say, in words. Text of a peer's: to be shown, never to be interpreted. */
  readonly value?: string;
  /** What the field is for, in a sentence. */
  readonly meaning?: string;
  /** Where that is written: `RFC 9846 §4.2.2`. */
  readonly section?: string;
  /** Why the bytes are not as they should be. */
  readonly problem?: string;
  /** Its parts, in order; together they are all of its bytes. */
  readonly children?: readonly Field[];
}

/** What is said of a field beside its bytes. */
export type About = Pick<Field, 'value' | 'meaning' | 'section' | 'problem'>;

/** How deep fields may lie in each other. */
const maxDepth = 40;

/** How many fields one walk makes: a hostile message could have as many as it has bytes. */
const maxFields = 20_000;

/** Bytes ended before the field did. */
class CutOff extends Error {}

export class Walker {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  readonly #depth: number;
  readonly #budget: { left: number };
  readonly #fields: Field[] = [];
  #at: number;

  private constructor(bytes: Uint8Array, start: number, end: number, depth: number, budget: { left: number }) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
    this.#depth = depth;
    this.#budget = budget;
  }

  /** All of `bytes` as one field. */
  static walk(bytes: Uint8Array, name: string, inside: (walker: Walker) => void, about: About = {}): Field {
    const walker = new Walker(bytes, 0, bytes.length, 0, { left: maxFields });
    return { name, start: 0, end: bytes.length, ...about, children: walker.#run(inside) };
  }

  /** Bytes that are left. */
  get left(): number {
    return this.#end - this.#at;
  }

  /** The next bytes, which stay where they are. */
  peek(length: number): Uint8Array {
    return this.#bytes.subarray(this.#at, Math.min(this.#end, this.#at + length));
  }

  /** A field of so many bytes. */
  take(name: string, length: number, about: About | ((bytes: Uint8Array) => About) = {}): Uint8Array {
    const bytes = this.peek(length);
    if (bytes.length < length || this.#budget.left <= 0) throw new CutOff();
    this.#add({ name, ...this.#range(length), ...(typeof about === 'function' ? about(bytes) : about) });
    return bytes;
  }

  /** A number of 1 to 4 bytes, the highest first. */
  number(name: string, length: 1 | 2 | 3 | 4, about: (value: number) => About = plainNumber): number {
    let value = 0;
    this.take(name, length, (bytes) => {
      for (const byte of bytes) value = value * 256 + byte;
      return about(value);
    });
    return value;
  }

  /** All that is left, if anything is. */
  rest(name: string, about: About | ((bytes: Uint8Array) => About) = {}): void {
    if (this.left > 0) this.take(name, this.left, about);
  }

  /** A field of `length` bytes with parts. Where so many are not there, it is cut off. */
  group(
    name: string,
    length: number,
    inside: (walker: Walker) => void,
    about: About | ((bytes: Uint8Array) => About) = {},
  ): void {
    if (this.#budget.left <= 0) throw new CutOff();
    const { left } = this;
    const given = Math.min(length, left);
    const start = this.#at;
    const said = typeof about === 'function' ? about(this.peek(given)) : about;
    const end = start + given;
    const walker = new Walker(this.#bytes, start, end, this.#depth + 1, this.#budget);
    this.#budget.left--;
    const children = this.#depth >= maxDepth ? undefined : walker.#run(inside);
    const problem = given < length ? `${length} bytes are to follow, and ${left} are left` : said.problem;
    const field = { name, start, end, ...said, ...(problem && { problem }), ...(children?.length && { children }) };
    this.#fields.push(field);
    this.#at = end;
    if (given < length) throw new CutOff();
  }

  /** A length, and as many bytes with parts: the RFCs' `<0..2^16-1>`. */
  vector(
    name: string,
    lengthBytes: 1 | 2 | 3,
    inside: (walker: Walker) => void,
    about: About | ((bytes: Uint8Array) => About) = {},
  ): void {
    let length = 0;
    for (const byte of this.peek(lengthBytes)) length = length * 256 + byte;
    const content = (): Uint8Array => this.peek(lengthBytes + length).subarray(lengthBytes);
    const said = typeof about === 'function' ? about(content()) : about;
    this.group(
      name,
      lengthBytes + length,
      (walker) => {
        walker.number('length', lengthBytes, (value) => ({ value: `${value} byte${value === 1 ? '' : 's'}` }));
        inside(walker);
      },
      said,
    );
  }

  /** The same thing again, as long as bytes are left. */
  each(inside: (walker: Walker) => void): void {
    while (this.left > 0) inside(this);
  }

  #run(inside: (walker: Walker) => void): readonly Field[] {
    try {
      inside(this);
      if (this.left > 0) this.#leftOver('(nothing should follow)', 'these bytes stand where nothing should');
    } catch (error) {
      if (!(error instanceof CutOff)) throw error;
      const problem =
        this.#budget.left > 0 ? 'the field ends before it should' : 'there are too many fields to show each of them';
      this.#leftOver('(cut off)', problem);
    }
    return this.#fields;
  }

  #leftOver(name: string, problem: string): void {
    const { length } = this.peek(this.left);
    // What a part has said already need not be said again.
    if (length === 0 && this.#fields.at(-1)?.problem !== undefined) return;
    this.#add({ name, ...this.#range(length), problem });
  }

  #range(length: number): { readonly start: number; readonly end: number } {
    const start = this.#at;
    this.#at += length;
    return { start, end: this.#at };
  }

  #add(field: Field): void {
    this.#budget.left--;
    this.#fields.push(field);
  }
}

function plainNumber(value: number): About {
  return { value: String(value) };
}
