import { makeTLSClient, setCryptoImplementation } from '@reclaimprotocol/tls';
import { webcryptoCrypto } from '@reclaimprotocol/tls/webcrypto';

export function open(write, host, handlers) {
  setCryptoImplementation(webcryptoCrypto);
  return makeTLSClient({ host, write, ...handlers });
}
