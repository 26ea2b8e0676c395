/**
 * Which resource a path names, and who answers there: a table.
 *
 * @module
 */

import { account, keyChange, newAccount } from './accounts.ts';
import { authorization, challenge } from './authorizations.ts';
import { directory } from './directory.ts';
import { finalize } from './finalize.ts';
import { directoryPath, paths, routeOf } from './links.ts';
import { certificate, newOrder, order, orderList } from './orders.ts';
import { alsoReading, early, forAccount, type Handler, reading, type SignedBy } from './requests.ts';
import { revokeCert } from './revoke.ts';
import { validation } from './validation/run.ts';

/** A resource that is asked for by POST, with a signature. */
interface Route {
  readonly path: string;
  readonly signedBy: SignedBy;
  readonly handler: Handler;
}

const routes: readonly Route[] = [
  // Who can GET them may as well sign for them (RFC 8555 §6.3).
  { path: directoryPath, signedBy: 'account', handler: reading(async ({ service }) => directory(service)) },
  { path: paths.newNonce, signedBy: 'account', handler: reading(async () => ({ status: 204 })) },
  { path: paths.newAccount, signedBy: 'key', handler: newAccount },
  { path: paths.newOrder, signedBy: 'account', handler: early(newOrder) },
  { path: paths.revokeCert, signedBy: 'either', handler: revokeCert },
  { path: paths.keyChange, signedBy: 'account', handler: forAccount(keyChange) },
  { path: routeOf('account'), signedBy: 'account', handler: forAccount(account) },
  { path: `${routeOf('account')}/orders`, signedBy: 'account', handler: reading(orderList) },
  { path: routeOf('order'), signedBy: 'account', handler: reading(order) },
  { path: `${routeOf('order')}/finalize`, signedBy: 'account', handler: early(finalize) },
  { path: routeOf('authorization'), signedBy: 'account', handler: alsoReading(authorization) },
  {
    path: routeOf('challenge'),
    signedBy: 'account',
    handler: early(
      async (call, sql) =>
        await challenge(call, sql, (row, own) => validation(call.service, row, own, call.account.thumbprint)),
    ),
  },
  { path: routeOf('certificate'), signedBy: 'account', handler: reading(certificate) },
  { path: `${routeOf('certificate')}/:alternate`, signedBy: 'account', handler: reading(certificate) },
];

interface Found {
  readonly route: Route;
  /** Of the path's members that stand for something. */
  readonly parameters: Readonly<Record<string, string>>;
}

const table = routes.map((route) => ({ route, parts: route.path.split('/') }));

/** Ids are as they stand in the path: none of ours has a character that is encoded there. */
export function findRoute(pathname: string): Found | undefined {
  const given = pathname.split('/');
  for (const { route, parts } of table) {
    if (parts.length !== given.length) continue;
    const fits = parts.every((part, index) => (part.startsWith(':') ? given[index] !== '' : part === given[index]));
    if (!fits) continue;
    const members = parts.flatMap((part, index) => (part.startsWith(':') ? [[part.slice(1), given[index] ?? '']] : []));
    return { route, parameters: Object.fromEntries(members) };
  }
  return undefined;
}
