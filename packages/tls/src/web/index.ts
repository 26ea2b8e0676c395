/**
 * TLS over Web Streams: in browsers, workers, Deno, Bun and Node.
 *
 * @module
 */

export { type BunHandlers, type BunSocketLike, bunHandlers, fromBunSocket } from './adapters/bun-socket.ts';
export { type DataChannelLike, type DataChannelOptions, fromDataChannel } from './adapters/data-channel.ts';
export { type DenoConnLike, fromDenoConn } from './adapters/deno-conn.ts';
export { fromMessagePort, type MessagePortLike } from './adapters/message-port.ts';
export type { ChannelEvent, EventChannel } from './adapters/messages.ts';
export {
  fromWebSocket,
  fromWebSocketStream,
  type WebSocketLike,
  type WebSocketOptions,
  type WebSocketStreamLike,
} from './adapters/web-socket.ts';
export type { ByteStreams, StreamOptions, TlsStream } from './byte-streams.ts';
export { type AcceptOptions, accept, type ConnectOptions, connect } from './connect.ts';
export { acceptWith, type ConnectTarget, connectWith } from './connect-with.ts';
