/**
 * XMPP (RFC 6120 §5): a client's stream. The few tags of the dialogue are looked for in the text: nothing else of XML is
 * understood here, and nothing of it is kept.
 *
 * @module
 */

import { type Dialogue, noTls, refused } from './dialogue.ts';

const maxStanza = 16 * 1024;

export const xmpp: Dialogue = {
  defaultPort: 5222,
  async negotiate(wire, host) {
    wire.write(
      `<?xml version='1.0'?><stream:stream to='${escapeXml(host)}' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>`,
    );
    const features = await wire.through('</stream:features>', maxStanza);
    if (!/<starttls[\s/>]/.test(features)) throw noTls(wire, 'starttls among its stream features');
    wire.write("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
    const answer = await wire.through('>', maxStanza);
    if (!/^\s*<proceed\s/.test(answer)) throw refused(wire, answer.trim(), 'to starttls');
    // <proceed …></proceed> is the same element as <proceed …/>.
    if (!answer.endsWith('/>')) {
      const end = await wire.through('>', maxStanza);
      if (end.trim() !== '</proceed>') throw refused(wire, end.trim(), 'after <proceed>');
    }
  },
};

function escapeXml(text: string): string {
  return text.replace(/[<>&'"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
