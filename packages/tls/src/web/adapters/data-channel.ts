/**
 * A WebRTC data channel (RFC 8831) as byte streams. It must be reliable and ordered, as it is unless asked to be otherwise.
 *
 * @module
 */

import { TlsConfigError } from '../../errors.ts';
import type { ByteStreams } from '../byte-streams.ts';
import { type ChannelEvent, type EventChannel, messageStreams } from './messages.ts';

/** An `RTCDataChannel`. */
export interface DataChannelLike extends EventChannel {
  readonly readyState: string;
  readonly ordered: boolean;
  readonly maxRetransmits: number | null;
  readonly maxPacketLifeTime: number | null;
  bufferedAmountLowThreshold: number;
  addEventListener(
    type: 'open' | 'message' | 'close' | 'error' | 'bufferedamountlow',
    listener: (event: ChannelEvent) => void,
  ): void;
}

export interface DataChannelOptions {
  /** Bytes a message: at most `maxMessageSize` of the connection's `sctp`. Default: 16,384, which everybody takes. */
  readonly messageBytes?: number;
  /** Bytes that may have come and not been read; more ends the connection. Default: 16 MiB. */
  readonly maxUnread?: number;
}

/** Above the first, writing waits until it is below the second. */
const maxUnsent = 1024 * 1024;
const lowUnsent = 256 * 1024;

/** @throws TlsConfigError for a channel that may lose or reorder messages. */
export function fromDataChannel(
  channel: DataChannelLike,
  { messageBytes = 16_384, maxUnread = 16 * 1024 * 1024 }: DataChannelOptions = {},
): ByteStreams {
  const { ordered, maxRetransmits, maxPacketLifeTime } = channel;
  if (!ordered || typeof maxRetransmits === 'number' || typeof maxPacketLifeTime === 'number') {
    throw new TlsConfigError('channel', 'it may lose or reorder messages: TLS needs one that is ordered and reliable');
  }
  if (!Number.isInteger(messageBytes) || messageBytes < 1) {
    throw new TlsConfigError('messageBytes', `${messageBytes} is no number of bytes`);
  }
  let waiting: (() => void) | undefined;
  const roomAgain = (): void => {
    waiting?.();
    waiting = undefined;
  };
  channel.bufferedAmountLowThreshold = lowUnsent;
  channel.addEventListener('bufferedamountlow', roomAgain);
  channel.addEventListener('close', roomAgain);
  const state = (): 'connecting' | 'open' | 'closed' => {
    const { readyState } = channel;
    return readyState === 'connecting' || readyState === 'open' ? readyState : 'closed';
  };
  return messageStreams(channel, {
    name: 'data channel',
    state,
    room: () =>
      channel.bufferedAmount > maxUnsent && state() === 'open'
        ? new Promise((resolve) => {
            waiting = resolve;
          })
        : undefined,
    messageBytes,
    maxUnread,
  });
}
