/**
 * A WebSocket and a data channel without a network: two ends in memory, each an `EventTarget` as the real ones are.
 *
 * @module
 */

/** What both have. */
export class FakeChannel extends EventTarget {
  binaryType = 'blob';
  bufferedAmount = 0;
  readonly sent: Uint8Array[] = [];
  other: FakeChannel | undefined;
  closes = 0;
  /** While true, what is sent stays in `bufferedAmount`. */
  held = false;
  /** What a message is given as. */
  wrap: (data: Uint8Array<ArrayBuffer>) => unknown = ({ buffer }) => buffer;

  say(type: string, news: object = {}): void {
    this.dispatchEvent(Object.assign(new Event(type), news));
  }

  send(data: Uint8Array<ArrayBuffer>): void {
    const copy = data.slice();
    this.sent.push(data.slice());
    if (this.held) this.bufferedAmount += copy.length;
    const { other } = this;
    if (other) queueMicrotask(() => other.say('message', { data: this.wrap(copy) }));
  }

  close(): void {
    this.closes += 1;
    queueMicrotask(() => {
      this.closed();
      this.other?.closed();
    });
  }

  closed(): void {
    this.say('close', { code: 1000, reason: '', wasClean: true });
  }
}

export class FakeWebSocket extends FakeChannel {
  readyState: number;

  constructor(readyState = 1) {
    super();
    this.readyState = readyState;
  }

  override close(): void {
    if (this.readyState >= 2) return;
    this.readyState = 2;
    super.close();
  }

  override closed(): void {
    if (this.readyState === 3) return;
    this.readyState = 3;
    super.closed();
  }
}

export class FakeDataChannel extends FakeChannel {
  readyState = 'open';
  ordered = true;
  maxRetransmits: number | null = null;
  maxPacketLifeTime: number | null = null;
  bufferedAmountLowThreshold = 0;

  override close(): void {
    if (this.readyState === 'closed' || this.readyState === 'closing') return;
    this.readyState = 'closing';
    super.close();
  }

  override closed(): void {
    if (this.readyState === 'closed') return;
    this.readyState = 'closed';
    this.say('close');
  }
}

export function joined<C extends FakeChannel>(near: C, far: C): [C, C] {
  near.other = far;
  far.other = near;
  return [near, far];
}
