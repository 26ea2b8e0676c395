/**
 * What `trust export` writes. Apart from the command, which is loaded when it is called.
 *
 * @module
 */

export const trustFormats = ['module', 'pem', 'der', 'p7b', 'json'] as const;
export type TrustFormat = (typeof trustFormats)[number];

/** The format that a file's name asks for. */
export const formatsByEnding: ReadonlyMap<string, TrustFormat> = new Map<string, TrustFormat>([
  ['.js', 'module'],
  ['.mjs', 'module'],
  ['.ts', 'module'],
  ['.mts', 'module'],
  ['.pem', 'pem'],
  ['.crt', 'pem'],
  ['.der', 'der'],
  ['.cer', 'der'],
  ['.p7b', 'p7b'],
  ['.json', 'json'],
]);
