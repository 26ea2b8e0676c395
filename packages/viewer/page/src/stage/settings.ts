/**
 * What a reader can change, and how it stands in the page's address, so that a link shows the same.
 *
 * @module
 */

export const choices = {
  certificate: {
    good: 'good',
    expired: 'expired yesterday',
    early: 'not valid before tomorrow',
    name: 'for another name',
    unknown: 'from an unknown issuer',
    incomplete: 'sent without its intermediate',
    revoked: 'revoked by its issuer',
    markup: 'good, its owner’s name is HTML',
  },
  client: { both: 'TLS 1.3 and 1.2', tls13: 'TLS 1.3 alone', tls12: 'TLS 1.2 alone' },
  server: { both: 'TLS 1.3 and 1.2', tls13: 'TLS 1.3 alone', tls12: 'TLS 1.2 alone' },
  groups: {
    hybrid: 'post-quantum hybrid first',
    x25519: 'X25519 alone',
    p256: 'P-256 alone',
    retry: 'the client guesses wrong',
    none: 'none in common',
  },
  clientCertificate: {
    none: 'not asked for',
    given: 'asked for, and given',
    missing: 'required, and not there',
    unknown: 'given, from an unknown issuer',
  },
  alpn: { none: 'not used', http: 'h2 or http/1.1', clash: 'nothing in common' },
  back: { no: 'once', resumed: 'twice: it resumes', early: 'twice, with early data' },
  distance: {
    '1': 'same building, 1 ms',
    '30': 'same country, 30 ms',
    '120': 'over an ocean, 120 ms',
    '600': 'by satellite, 600 ms',
  },
  wire: { whole: 'left alone', flip: 'one bit flipped', cut: 'cut off' },
  flight: { '1': '1st (client)', '2': '2nd (server)', '3': '3rd (client)', '4': '4th (server)' },
  place: { '2': 'near its beginning', '50': 'in its middle', '98': 'near its end' },
} as const;

type Choices = typeof choices;
export type SettingName = keyof Choices;
export type Settings = { readonly [K in SettingName]: keyof Choices[K] & string };

export const defaults: Settings = {
  certificate: 'good',
  client: 'both',
  server: 'both',
  groups: 'hybrid',
  clientCertificate: 'none',
  alpn: 'http',
  back: 'no',
  distance: '30',
  wire: 'whole',
  flight: '2',
  place: '50',
};

const names = Object.keys(defaults) as SettingName[];

/** @param hash of an address: of whoever wrote the link. What is no setting is passed over. */
export function readSettings(hash: string): Settings {
  const given = new URLSearchParams(hash.replace(/^#/, '').slice(0, 1000));
  const read: Record<string, string> = { ...defaults };
  for (const name of names) {
    const value = given.get(name);
    if (value !== null && Object.hasOwn(choices[name], value)) read[name] = value;
  }
  return read as Settings;
}

/** What differs from the defaults. */
export function writeSettings(settings: Settings): string {
  const given = new URLSearchParams();
  for (const name of names) if (settings[name] !== defaults[name]) given.set(name, settings[name]);
  return String(given);
}
