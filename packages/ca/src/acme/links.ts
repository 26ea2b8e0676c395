/**
 * The server's URLs: paths for the routes, and whole URLs for clients.
 *
 * @module
 */

const root = '/acme';

export const directoryPath: string = `${root}/directory`;

/** Resources that there is one of, by their names in the directory (RFC 8555 §7.1.1, RFC 9773 §4.1). */
export const paths: Readonly<Record<Resource, string>> = {
  newNonce: `${root}/new-nonce`,
  newAccount: `${root}/new-account`,
  newOrder: `${root}/new-order`,
  revokeCert: `${root}/revoke-cert`,
  keyChange: `${root}/key-change`,
  renewalInfo: `${root}/renewal-info`,
};

export type Resource = 'newNonce' | 'newAccount' | 'newOrder' | 'revokeCert' | 'keyChange' | 'renewalInfo';

/** Resources that there are many of: `/acme/order/<id>`. */
export type Collection = 'account' | 'order' | 'authorization' | 'challenge' | 'certificate';

function pathOf(collection: Collection): string {
  return `${root}/${collection}/`;
}

export interface Links {
  readonly base: string;
  readonly directory: string;
  to(collection: Collection, id: string): string;
  /** The id in a URL that `to` made; `undefined` for any other text. */
  idOf(collection: Collection, url: string): string | undefined;
}

/** @throws RangeError for a base that is no origin */
export function linksUnder(baseUrl: string): Links {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol) || url.href !== `${url.origin}/`) {
    throw new RangeError('baseUrl is an origin: https://host or https://host:port');
  }
  const base = url.origin;
  return {
    base,
    directory: `${base}${directoryPath}`,
    to: (collection, id) => `${base}${pathOf(collection)}${id}`,
    idOf(collection, text) {
      const prefix = `${base}${pathOf(collection)}`;
      const id = text.startsWith(prefix) ? text.slice(prefix.length) : '';
      return /^[\w-]{1,64}$/.test(id) ? id : undefined;
    },
  };
}

/** The route of a collection's members. */
export function routeOf(collection: Collection): string {
  return `${pathOf(collection)}:id`;
}
