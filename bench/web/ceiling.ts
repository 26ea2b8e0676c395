/**
 * WebCrypto alone: records of 16 KiB, encrypted in one realm, handed over, decrypted in the other, with so many under way. No TLS
 * between two realms of a browser can be faster than the best of these.
 *
 * @module
 */

const recordBytes = 16_384;
const nonceBytes = 12;
const parameters = (sequence: number): AesGcmParams => {
  const iv = new Uint8Array(nonceBytes);
  new DataView(iv.buffer).setUint32(8, sequence);
  return { name: 'AES-GCM', iv };
};

function importKey(): Promise<CryptoKey> {
  return crypto.subtle.importKey('raw', new Uint8Array(16), 'AES-GCM', false, ['encrypt', 'decrypt']);
}

/** The end that decrypts, and says so of each. Answers how many bytes it were. */
export async function decrypting(port: MessagePort): Promise<number> {
  const key = await importKey();
  let sequence = 0;
  return await new Promise((resolve, reject) => {
    port.onmessage = ({ data }: MessageEvent<ArrayBuffer | number>) => {
      if (typeof data === 'number') {
        port.close();
        resolve(data);
        return;
      }
      crypto.subtle.decrypt(parameters(sequence++), key, data).then(() => port.postMessage(undefined), reject);
    };
  });
}

/** The end that encrypts. Answers, and tells the other end, how many bytes it has decrypted. */
export async function encrypting(port: MessagePort, inFlight: number, milliseconds: number): Promise<number> {
  const key = await importKey();
  const record = new Uint8Array(recordBytes).fill(0x5a);
  let sequence = 0;
  let taken = 0;
  let done = 0;
  let told: () => void = () => {};
  port.onmessage = () => {
    done += 1;
    told();
  };
  const start = performance.now();
  // They are handed over in order, so that both ends count alike.
  let before: Promise<unknown> = Promise.resolve();
  while (performance.now() - start < milliseconds) {
    if (taken - done >= inFlight) {
      await new Promise<void>((resolve) => {
        told = resolve;
      });
      continue;
    }
    const sealing = crypto.subtle.encrypt(parameters(sequence++), key, record);
    taken += 1;
    before = Promise.all([sealing, before]).then(([sealed]) => port.postMessage(sealed, [sealed]));
  }
  while (done < taken) {
    await new Promise<void>((resolve) => {
      told = resolve;
    });
  }
  port.postMessage(done * recordBytes);
  return done * recordBytes;
}
