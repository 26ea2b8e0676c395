/**
 * What a runtime has of its own, found by trying: algorithms of WebCrypto, and streams.
 *
 * @module
 */

type Attempt = () => Promise<unknown>;

/** New standards, which no library of types knows yet: the platform says what it makes of them. */
const subtle = () =>
  globalThis.crypto.subtle as unknown as Record<
    'generateKey' | 'encrypt' | 'deriveBits' | 'encapsulateBits' | 'sign' | 'importKey',
    (...parameters: readonly unknown[]) => Promise<{ readonly privateKey: unknown; readonly publicKey: unknown }>
  >;

const cipher =
  (name: string): Attempt =>
  async () => {
    const raw = name === 'ChaCha20-Poly1305' ? 'raw-secret' : 'raw';
    const key = await subtle().importKey(raw, new Uint8Array(32), { name }, false, ['encrypt']);
    await subtle().encrypt({ name, iv: new Uint8Array(12) }, key, new Uint8Array(1));
  };

const agreement =
  (name: string, namedCurve?: string): Attempt =>
  async () => {
    const pair = await subtle().generateKey({ name, namedCurve }, false, ['deriveBits']);
    await subtle().deriveBits({ name, public: pair.publicKey }, pair.privateKey, 256);
  };

const encapsulation =
  (name: string): Attempt =>
  async () => {
    const pair = await subtle().generateKey({ name }, false, ['encapsulateBits', 'decapsulateBits']);
    await subtle().encapsulateBits({ name }, pair.publicKey);
  };

const signature =
  (name: string, parameters: object = {}): Attempt =>
  async () => {
    const pair = await subtle().generateKey({ name, ...parameters }, false, ['sign', 'verify']);
    await subtle().sign({ name, hash: 'SHA-256', saltLength: 32 }, pair.privateKey, new Uint8Array(1));
  };

const rsa = { modulusLength: 2048, publicExponent: Uint8Array.of(1, 0, 1), hash: 'SHA-256' };

const byteStream: Attempt = async () => {
  const stream = new ReadableStream({ type: 'bytes', pull: (controller) => controller.enqueue(Uint8Array.of(1)) });
  await stream.getReader({ mode: 'byob' }).read(new Uint8Array(4));
};

const global =
  (name: string): Attempt =>
  async () => {
    if (Reflect.get(globalThis, name) === undefined) throw new ReferenceError(name);
  };

const attempts: Readonly<Record<string, Attempt>> = {
  'AES-GCM': cipher('AES-GCM'),
  'ChaCha20-Poly1305': cipher('ChaCha20-Poly1305'),
  X25519: agreement('X25519'),
  X448: agreement('X448'),
  'ECDH P-256': agreement('ECDH', 'P-256'),
  'ECDH P-384': agreement('ECDH', 'P-384'),
  'ECDH P-521': agreement('ECDH', 'P-521'),
  'ML-KEM-768': encapsulation('ML-KEM-768'),
  'ML-KEM-1024': encapsulation('ML-KEM-1024'),
  'ECDSA P-256': signature('ECDSA', { namedCurve: 'P-256' }),
  'ECDSA P-384': signature('ECDSA', { namedCurve: 'P-384' }),
  'ECDSA P-521': signature('ECDSA', { namedCurve: 'P-521' }),
  'RSA-PSS': signature('RSA-PSS', rsa),
  'RSA PKCS #1 v1.5': signature('RSASSA-PKCS1-v1_5', rsa),
  Ed25519: signature('Ed25519'),
  Ed448: signature('Ed448'),
  'ML-DSA-44': signature('ML-DSA-44'),
  'ML-DSA-65': signature('ML-DSA-65'),
  'ML-DSA-87': signature('ML-DSA-87'),
  'byte streams (BYOB)': byteStream,
  MessageChannel: global('MessageChannel'),
  WebSocket: global('WebSocket'),
  WebSocketStream: global('WebSocketStream'),
  WebTransport: global('WebTransport'),
  RTCPeerConnection: global('RTCPeerConnection'),
};

/** Tries everything once. */
export async function probe(): Promise<Readonly<Record<string, boolean>>> {
  const found: Record<string, boolean> = {};
  for (const [name, attempt] of Object.entries(attempts)) {
    found[name] = await attempt().then(
      () => true,
      () => false,
    );
  }
  return found;
}
