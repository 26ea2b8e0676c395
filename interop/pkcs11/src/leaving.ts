/**
 * A process that opens a key, signs, and leaves: after `close`, or without it, or in the middle.
 *
 * @module
 */

import openSigner from '@handfast/ca/pkcs11';

const [uri = '', how] = process.argv.slice(2);
const signer = await openSigner({ uri });
const [algorithm = 'ecdsa-sha256'] = signer.algorithms;
await signer.sign(algorithm, Buffer.from('data'));
if (how === 'close') await signer.close();
if (how === 'exit') process.exit(0);
if (how === 'busy') {
  void signer.sign(algorithm, Buffer.from('data'));
  process.exit(0);
}
