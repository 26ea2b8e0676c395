import forge from 'node-forge/lib/forge.js';
import 'node-forge/lib/tls.js';
import 'node-forge/lib/aesCipherSuites.js';

export function open(pems, virtualHost, handlers) {
  return forge.tls.createConnection({ server: false, caStore: pems, virtualHost, ...handlers });
}
