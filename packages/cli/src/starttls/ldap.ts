/**
 * LDAP (RFC 4511 §4.14): an ExtendedRequest named 1.3.6.1.4.1.1466.20037, in BER.
 *
 * @module
 */

import { quote } from '@handfast/tls';
import type { Wire } from '../wire.ts';
import type { Dialogue } from './dialogue.ts';

const startTlsOid = '1.3.6.1.4.1.1466.20037';
const messageId = 1;
const maxMessage = 4096;

const tags = { integer: 0x02, octetString: 0x04, enumerated: 0x0a, sequence: 0x30, extendedResponse: 0x78 } as const;

export const ldap: Dialogue = {
  defaultPort: 389,
  async negotiate(wire) {
    // LDAPMessage { messageID, [APPLICATION 23] { [0] requestName } }
    const name = Buffer.from(startTlsOid);
    wire.write(
      Buffer.concat([
        Uint8Array.of(
          tags.sequence,
          name.length + 7,
          tags.integer,
          1,
          messageId,
          0x77,
          name.length + 2,
          0x80,
          name.length,
        ),
        name,
      ]),
    );
    const { resultCode, message } = readResponse(wire, await readMessage(wire));
    if (resultCode !== 0) throw wire.fail(`the server refused StartTLS: result ${resultCode}, ${quote(message)}`);
  },
};

/** The content of one BER SEQUENCE of definite length. */
async function readMessage(wire: Wire): Promise<Buffer> {
  const [tag, first = 0] = await wire.bytes(2);
  if (tag !== tags.sequence || first === 0x80 || first > 0x84) throw notLdap(wire);
  const length = first < 0x80 ? first : (await wire.bytes(first & 0x7f)).reduce((sum, byte) => sum * 256 + byte, 0);
  if (length > maxMessage) throw wire.fail(`an LDAP message of ${length} bytes came, where ${maxMessage} are taken`);
  return wire.bytes(length);
}

interface Response {
  readonly resultCode: number;
  readonly message: string;
}

/** ExtendedResponse: resultCode, matchedDN, diagnosticMessage, and what follows. */
function readResponse(wire: Wire, content: Buffer): Response {
  const message = elements(wire, content);
  const [id, response] = message;
  if (id?.tag !== tags.integer || id.content.length !== 1 || id.content[0] !== messageId) throw notLdap(wire);
  if (response?.tag !== tags.extendedResponse) throw notLdap(wire);
  const [code, , diagnostic] = elements(wire, response.content);
  if (code?.tag !== tags.enumerated || code.content.length !== 1 || diagnostic?.tag !== tags.octetString)
    throw notLdap(wire);
  return { resultCode: code.content[0] ?? 1, message: diagnostic.content.toString('latin1') };
}

function elements(wire: Wire, content: Buffer): readonly { readonly tag: number; readonly content: Buffer }[] {
  const out: { readonly tag: number; readonly content: Buffer }[] = [];
  for (let at = 0; at < content.length; ) {
    const tag = content[at] ?? 0;
    const first = content[at + 1] ?? 0x80;
    const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
    if (first === 0x80 || lengthBytes > 4 || at + 2 + lengthBytes > content.length) throw notLdap(wire);
    const length = lengthBytes === 0 ? first : content.readUIntBE(at + 2, lengthBytes);
    const start = at + 2 + lengthBytes;
    if (start + length > content.length) throw notLdap(wire);
    out.push({ tag, content: content.subarray(start, start + length) });
    at = start + length;
  }
  return out;
}

function notLdap(wire: Wire): Error {
  return wire.fail('the server does not answer StartTLS as LDAP does', 'is it LDAP, on that port?');
}
