/**
 * What peers say of a connection that may go on with a session: each in its own words.
 *
 * @module
 */

/** Undefined: it does not say. */
export type Word = 'resumed' | 'new' | undefined;

export const resumedLine = 'resumed\n';
export const newLine = 'new\n';

/** What the drivers say, as the last line. @throws Error that says what came instead. */
export function wordOfLine(line: string): Word {
  if (line === resumedLine) return 'resumed';
  if (line === newLine) return 'new';
  throw new Error(`instead of its word: ${JSON.stringify(line.slice(0, 60))}`);
}

/** Of what s_client prints, or the page of `s_server -www`: `Reused, TLSv1.3, Cipher is …`. */
export function wordOfOpenssl(text: string): Word {
  const [, word] = /^(New|Reused), (?:TLS|SSL)/m.exec(text) ?? [];
  if (word === undefined) return undefined;
  return word === 'New' ? 'new' : 'resumed';
}

/**
 * Of the page of `gnutls-serv --http`. A description of a full handshake names what the server signed with; of a session
 * that goes on it does not: `(TLS1.3-X.509)--(AES-128-GCM)`.
 */
export function wordOfGnutls(page: string): Word {
  const [, description] = /<TD>Description:<\/TD><TD>([^<]*)/.exec(page) ?? [];
  if (description === undefined) return undefined;
  return /-\((?:ECDSA|RSA|EdDSA)-/.test(description) ? 'new' : 'resumed';
}

/** Of the log of `gnutls-cli --resume`: one word for each of its two connections. */
export function wordsOfGnutlsCli(log: string): readonly Word[] {
  return log
    .split(/^- Connecting again/m)
    .map((part) => (part.includes('*** This is a resumed session') ? 'resumed' : 'new'));
}

/** Of what `curl --verbose` prints: a server that shows no certificate is one that it knows. */
export function wordsOfCurl(text: string): readonly Word[] {
  return text
    .split(/^\* Connected to /m)
    .slice(1)
    .map((part) => (part.includes('(IN), TLS handshake, Certificate (11)') ? 'new' : 'resumed'));
}
