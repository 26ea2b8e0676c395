/**
 * What certificates' names give away: products that inspect TLS, names of no use outside, certificates made a moment ago.
 * Each is a hint and no proof, and its cause says so.
 *
 * @module
 */

import { isIP } from 'node:net';
import type { Certificate } from '@handfast/x509';

/** Words in an issuer's name, in lower case, and whose they are. */
const inspectors: readonly (readonly [word: string, product: string])[] = [
  ['zscaler', 'Zscaler'],
  ['fortigate', 'Fortinet FortiGate'],
  ['fortinet', 'Fortinet FortiGate'],
  ['blue coat', 'Symantec (Blue Coat) ProxySG'],
  ['bluecoat', 'Symantec (Blue Coat) ProxySG'],
  ['palo alto', 'Palo Alto Networks'],
  ['netskope', 'Netskope'],
  ['cisco umbrella', 'Cisco Umbrella'],
  ['sophos', 'Sophos'],
  ['check point', 'Check Point'],
  ['forcepoint', 'Forcepoint'],
  ['websense', 'Forcepoint (Websense)'],
  ['barracuda', 'Barracuda'],
  ['sonicwall', 'SonicWall'],
  ['watchguard', 'WatchGuard'],
  ['untangle', 'Untangle'],
  ['smoothwall', 'Smoothwall'],
  ['kaspersky', 'Kaspersky'],
  ['avast', 'Avast'],
  ['avg technologies', 'AVG'],
  ['eset ssl filter', 'ESET'],
  ['bitdefender', 'Bitdefender'],
  ['adguard', 'AdGuard'],
  ['squid', 'Squid'],
  ['mitmproxy', 'mitmproxy'],
  ['charles proxy', 'Charles Proxy'],
  ['portswigger', 'Burp Suite'],
  ['do_not_trust_fiddler', 'Fiddler'],
  ['fiddler', 'Fiddler'],
];

/** The product whose name an issuer in the chain carries. */
export function inspectorIn(chain: readonly Certificate[]): string | undefined {
  for (const { issuer } of chain) {
    const text = issuer.toString().toLowerCase();
    const known = inspectors.find(([word]) => text.includes(word));
    if (known !== undefined) return known[1];
  }
  return undefined;
}

/** Zones that nobody outside can have a certificate for (RFC 6761, 6762, 8375; ICANN's .internal). */
const internalZones: readonly string[] = [
  'local',
  'internal',
  'lan',
  'home',
  'corp',
  'intranet',
  'localdomain',
  'home.arpa',
  'localhost',
  'test',
  'invalid',
  'example',
];

/** `printer`, `localhost`, `nas.local`; private addresses are for their own rows. */
export function isInternalName(name: string): boolean {
  if (isIP(name) !== 0) return false;
  const plain = name.toLowerCase().replace(/\.$/, '');
  return !plain.includes('.') || internalZones.some((zone) => plain.endsWith(`.${zone}`));
}

const twoDaysMs = 2 * 24 * 3_600_000;

export function isFresh({ notBefore }: Certificate, now: Date): boolean {
  const age = now.getTime() - notBefore.getTime();
  return age >= 0 && age < twoDaysMs;
}
