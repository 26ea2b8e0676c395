/**
 * `connect` and `accept` of `@handfast/tls/web` over the runtime's own streams: pairs of `TransformStream`s, and a
 * `MessageChannel`.
 *
 * @module
 */

import { toHex } from '@handfast/crypto';
import { fullWebProvider } from '@handfast/crypto/web/full';
import { memoryReplayCache, memorySessionCache, ticketKeys, tls12, tls13 } from '@handfast/tls';
import {
  type AcceptOptions,
  accept,
  type ByteStreams,
  type ConnectOptions,
  connect,
  fromMessagePort,
  type TlsStream,
} from '@handfast/tls/web';
import { equal, failure, ok, property } from './check.ts';
import { otherPki, pki, serverCredential } from './identities.ts';
import { encode, turn } from './meet.ts';
import { absent, test } from './registry.ts';

type Transports = readonly [client: ByteStreams, server: ByteStreams];
type Change = Transformer<Uint8Array, Uint8Array>;

/** Two one-way pipes; what goes through may be changed. */
function pipes(up: Change = {}, down: Change = {}): Transports {
  // What is written is changed at once, whether or not somebody reads.
  const eager = { highWaterMark: 1 };
  const [there, back] = [new TransformStream(up, eager, eager), new TransformStream(down, eager, eager)];
  return [
    { readable: back.readable, writable: there.writable },
    { readable: there.readable, writable: back.writable },
  ];
}

function ports(): Transports {
  const { port1, port2 } = new MessageChannel();
  return [fromMessagePort(port1), fromMessagePort(port2)];
}

const transports: Readonly<Record<string, () => Transports>> = {
  TransformStream: () => pipes(),
  MessageChannel: ports,
};

async function clientOptions(more: Partial<ConnectOptions> = {}): Promise<ConnectOptions> {
  return { serverName: 'localhost', trust: (await pki()).trust, ...more };
}

async function serverOptions(more: Partial<AcceptOptions> = {}): Promise<AcceptOptions> {
  return { credentials: [await serverCredential(fullWebProvider)], ...more };
}

async function both(
  [client, server]: Transports,
  ours: Partial<ConnectOptions> = {},
  theirs: Partial<AcceptOptions> = {},
): Promise<readonly [client: TlsStream, server: TlsStream]> {
  return Promise.all([connect(client, await clientOptions(ours)), accept(server, await serverOptions(theirs))]);
}

/** How each side's opening failed: `code`, and the alert that was sent or heard. */
async function failures(
  [client, server]: Transports,
  ours: Partial<ConnectOptions> = {},
  theirs: Partial<AcceptOptions> = {},
): Promise<readonly unknown[]> {
  const errors = await Promise.all([
    failure(connect(client, await clientOptions(ours))),
    failure(accept(server, await serverOptions(theirs))),
  ]);
  return errors.flatMap((error) => [property(error, 'code'), property(error, 'alert')]);
}

/** To its end. A `Response` would do, but for Chromium's, which hides why a stream failed. */
async function text({ readable }: TlsStream): Promise<string> {
  const decoder = new TextDecoder();
  let heard = '';
  for (const reader = readable.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) return heard;
    heard += decoder.decode(value, { stream: true });
  }
}

async function say({ writable }: TlsStream, words: string): Promise<void> {
  const writer = writable.getWriter();
  await writer.write(encode(words));
  await writer.close();
}

for (const [name, make] of Object.entries(transports)) {
  for (const version of [tls13, tls12]) {
    test(`${version.name} over ${name}: the client asks, the server answers, both are done`, async () => {
      const [client, server] = await both(make(), { versions: [version] });
      equal([client.negotiated.version, server.negotiated.version], [version.name, version.name], 'the versions');
      const writer = client.writable.getWriter();
      await writer.write(encode('question'));
      const reader = server.readable.getReader();
      const { value } = await reader.read();
      equal(new TextDecoder().decode(value), 'question', 'what the server heard');
      await say(server, 'answer');
      equal(await text(client), 'answer', 'what the client heard');
      // Before TLS 1.3 the server's close_notify has ended both directions.
      if (version === tls13) await writer.close();
      equal((await reader.read()).done, true, 'whether the server heard the end');
      await Promise.all([client.closed, server.closed]);
    });
  }

  test(`over ${name}: 8 MiB both ways at once arrive as they were`, async () => {
    const [client, server] = await both(make());
    const total = 8 * 2 ** 20;
    const send = async ({ writable }: TlsStream, seed: number): Promise<void> => {
      const writer = writable.getWriter();
      for (let at = 0; at < total; at += chunk) await writer.write(pattern(seed, at));
      await writer.close();
    };
    const receive = async ({ readable }: TlsStream, seed: number): Promise<void> => {
      const came = new Uint8Array(total);
      let length = 0;
      for (const reader = readable.getReader(); ; ) {
        const { done, value } = await reader.read();
        if (done) break;
        came.set(value, length);
        length += value.length;
      }
      const wanted = new Uint8Array(total);
      for (let at = 0; at < total; at += chunk) wanted.set(pattern(seed, at), at);
      equal([length, await digest(came)], [total, await digest(wanted)], 'what came');
    };
    await Promise.all([send(client, 1), send(server, 2), receive(server, 1), receive(client, 2)]);
    await Promise.all([client.closed, server.closed]);
  });

  test(`over ${name}: a reader that never reads keeps the writer waiting, and then gets all of it`, async () => {
    const [client, server] = await both(make());
    const writer = client.writable.getWriter();
    let written = 0;
    for (let waits = false; !waits; ) {
      const write = writer.write(new Uint8Array(chunk)).then(() => 'written');
      written += chunk;
      waits = (await Promise.race([write, quiet()])) === 'quiet';
      ok(written <= 16 * 2 ** 20, `a limit to what is kept for who does not read, below ${written} bytes`);
    }
    const closed = writer.close();
    const { byteLength } = await new Response(server.readable).arrayBuffer();
    await closed;
    equal(byteLength, written, 'what came in the end');
  });
}

const chunk = 2 ** 16;

/** Other bytes for each seed and place. */
function pattern(seed: number, at: number): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(chunk / 4);
  for (let index = 0; index < words.length; index++) words[index] = Math.imul(at + index + seed, 2_654_435_761);
  return new Uint8Array(words.buffer);
}

const digest = async (bytes: Uint8Array<ArrayBuffer>): Promise<string> =>
  toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)));

/** So long that whatever can go on would have. */
async function quiet(): Promise<string> {
  for (let turns = 0; turns < 300; turns++) await turn();
  return 'quiet';
}

test('a reader of mode byob gets plaintext into memory of its own', async () => {
  const [client, server] = await both(pipes());
  await say(server, 'into a buffer');
  let reader: ReadableStreamBYOBReader;
  try {
    reader = client.readable.getReader({ mode: 'byob' });
  } catch {
    return absent('byte streams');
  }
  let heard = '';
  for (let view = new Uint8Array(4); ; ) {
    const { done, value } = await reader.read(view);
    if (done) break;
    heard += new TextDecoder().decode(value);
    view = new Uint8Array(value.buffer);
  }
  equal(heard, 'into a buffer', 'what came');
});

test('a transport that gives one byte at a time, or everything at once, is as good as any', async () => {
  const bytewise: Change = {
    transform: (bytes, controller) => {
      for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
    },
  };
  const [client, server] = await both(pipes(bytewise, bytewise), { versions: [tls12] });
  await say(server, 'byte by byte');
  equal(await text(client), 'byte by byte', 'what came');
});

test('early bytes go with the hello, and come first', async () => {
  const sessions = memorySessionCache();
  const theirs = {
    tickets: { keys: ticketKeys({ provider: fullWebProvider }) },
    earlyData: { replay: memoryReplayCache({ window: 10_000, time: () => new Date(0) }) },
  };
  const ours = { sessions, earlyData: 1024, earlyBytes: encode('early ') };
  for (const [which, left] of [
    ['first', 'early '],
    ['second', ''],
  ] as const) {
    const [client, server] = await both(pipes(), ours, theirs);
    equal(new TextDecoder().decode(client.earlyBytesLeft), left, `what the ${which} connection has left`);
    equal(client.negotiated.resumed, which === 'second', `whether the ${which} was resumed`);
    const heard = text(server);
    await say(client, 'late');
    equal(await heard, which === 'second' ? 'early late' : 'late', `what came on the ${which}`);
    await say(server, '');
    equal(await text(client), '', 'what came back');
  }
});

test('a server of another authority is refused: the client rejects, the server is told', async () => {
  const { trust } = await otherPki();
  const codes = await failures(pipes(), { trust });
  equal(codes, ['certificate_unknown_issuer', 'unknown_ca', 'peer_alert', 'unknown_ca'], 'the errors');
});

test('bytes changed by whoever carries them end both sides', async () => {
  let changing = false;
  const change: Change = {
    transform: (bytes, controller) => {
      const copy = Uint8Array.from(bytes);
      if (changing) copy[copy.length - 1] = (copy.at(-1) ?? 0) ^ 1;
      controller.enqueue(copy);
    },
  };
  const [client, server] = await both(pipes(change));
  changing = true;
  const [found, told] = [failure(text(server)), failure(client.closed)];
  await client.writable.getWriter().write(encode('data'));
  equal(property(await found, 'code'), 'bad_record_mac', "the server's error");
  const error = await told;
  equal([property(error, 'code'), property(error, 'alert')], ['peer_alert', 'bad_record_mac'], "the client's error");
});

test('a transport that closes in the handshake is an error on both sides', async () => {
  const closing: Change = { transform: (_bytes, controller) => controller.terminate() };
  const codes = await failures(pipes(closing));
  equal(codes.filter((_, index) => index % 2 === 0).includes('truncated'), true, `truncated among ${codes}`);
});

test('a transport that fails in the handshake is an error that names it', async () => {
  const failing: Change = {
    transform: () => {
      throw new Error('the cable is gone');
    },
  };
  const [client] = pipes(failing);
  const error = await failure(connect(client, await clientOptions()));
  equal(property(error, 'code'), 'transport_failed', 'the error');
});

test('a connection that stands ends with an error where its transport ends without close_notify', async () => {
  const cut = new AbortController();
  const cutting: Change = {
    start: (controller) => cut.signal.addEventListener('abort', () => controller.terminate()),
  };
  const [client, server] = await both(pipes({}, cutting));
  const writer = server.writable.getWriter();
  await writer.write(encode('before'));
  const reader = client.readable.getReader();
  equal(new TextDecoder().decode((await reader.read()).value), 'before', 'what came');
  cut.abort();
  equal(property(await failure(reader.read()), 'code'), 'truncated', 'the error');
});

type Prepare = (controller: AbortController) => Transports | undefined;

const stages: Readonly<Record<string, Prepare>> = {
  'before it begins': (controller) => {
    controller.abort(new Error('enough'));
    return pipes();
  },
  'while the transport is awaited': (controller) => {
    turn().then(() => controller.abort(new Error('enough')));
    return undefined;
  },
  'in the handshake': (controller) => pipes({ transform: () => controller.abort(new Error('enough')) }),
};

for (const [name, prepare] of Object.entries(stages)) {
  test(`a signal that is aborted ${name} ends it`, async () => {
    const controller = new AbortController();
    const made = prepare(controller)?.[0] ?? new Promise<never>(() => {});
    const error = await failure(connect(made, await clientOptions({ signal: controller.signal })));
    equal([property(error, 'code'), property(property(error, 'cause'), 'message')], ['aborted', 'enough'], 'the error');
  });
}

test('a signal that is aborted later ends it as well, and the peer sees a truncation', async () => {
  const controller = new AbortController();
  const [client, server] = await both(pipes(), { signal: controller.signal });
  const errors = Promise.all([failure(client.closed), failure(server.closed)]);
  controller.abort();
  const codes = (await errors).map((error) => property(error, 'code'));
  equal(codes[0], 'aborted', "the client's error");
  ok(codes[1] === 'truncated' || codes[1] === 'transport_failed', `the server's error, and not ${codes[1]}`);
});

test('a peer that says nothing is waited for so long and no longer', async () => {
  const [client, server] = pipes();
  const reading = server.readable.pipeTo(new WritableStream()).catch(() => {});
  const error = await failure(connect(client, await clientOptions({ handshakeTimeout: 50 })));
  equal(property(error, 'code'), 'handshake_timeout', 'the error');
  await reading;
});
