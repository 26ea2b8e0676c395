/**
 * The resources of the dashboard's API: what each asks of a role, and what it does.
 *
 * @module
 */

import {
  expiringCertificates,
  issueCertificate,
  oneCertificate,
  previewRequest,
  revokeCertificate,
  searchCertificates,
} from './certificates.ts';
import { jsonOf } from './guard.ts';
import { failedOrders } from './orders.ts';
import { freshness, overview } from './overview.ts';
import { AdminProblem } from './problems.ts';
import { type AdminPermission, adminRoles, isRole, permissionsOf } from './roles.ts';
import type { AdminService } from './service.ts';
import type { Session } from './sessions.ts';
import { createAdminToken, listAdminTokens, revokeAdminToken } from './tokens.ts';

/** Who has signed in, and what he may. */
export function me({ authority }: AdminService, { who, role, csrf, expiresAt }: Session): object {
  const day = 86_400_000;
  const profiles = authority.profiles.map(({ name, lifetimeMs, maxLifetimeMs }) => ({
    name,
    days: lifetimeMs / day,
    maxDays: maxLifetimeMs / day,
  }));
  return { who, role, permissions: permissionsOf(role), csrf, expiresAt, profiles };
}

export interface Call {
  readonly service: AdminService;
  readonly session: Session;
  readonly query: URLSearchParams;
  readonly request: Request;
  /** Of the path. */
  readonly argument: string;
}

export interface Method {
  readonly permission: AdminPermission;
  readonly status?: number;
  work(call: Call): object | Promise<object>;
}

type Route = Readonly<Partial<Record<'GET' | 'POST' | 'DELETE', Method>>>;

const view = (work: Method['work']): Route => ({ GET: { permission: 'view', work } });

const routes: readonly (readonly [pattern: RegExp, route: Route])[] = [
  [/^me$/, view(({ service, session }) => me(service, session))],
  [/^overview$/, view(({ service, query }) => overview(service, query))],
  [/^freshness$/, view(({ service }) => freshness(service))],
  [/^expiring$/, view(({ service, query }) => expiringCertificates(service, query))],
  [/^orders$/, view(({ service, query }) => failedOrders(service, query))],
  [
    /^certificates$/,
    {
      ...view(({ service, query }) => searchCertificates(service, query)),
      POST: {
        permission: 'issue',
        status: 201,
        work: async ({ service, session, request }) => issueCertificate(service, session, await jsonOf(request)),
      },
    },
  ],
  [
    /^requests$/,
    {
      POST: {
        permission: 'issue',
        work: async ({ service, request }) => previewRequest(service, await jsonOf(request)),
      },
    },
  ],
  [/^certificates\/([^/]+)$/, view(({ service, argument }) => oneCertificate(service, argument))],
  [
    /^certificates\/([^/]+)\/revocation$/,
    {
      POST: {
        permission: 'revoke',
        status: 201,
        work: async ({ service, session, request, argument }) =>
          revokeCertificate(service, session, argument, await jsonOf(request)),
      },
    },
  ],
  [
    /^tokens$/,
    {
      GET: { permission: 'administer', work: async ({ service }) => ({ tokens: await listAdminTokens(service) }) },
      POST: { permission: 'administer', status: 201, work: newToken },
    },
  ],
  [
    /^tokens\/([^/]+)$/,
    {
      DELETE: {
        permission: 'administer',
        work: ({ service, session, argument }) => revokeAdminToken(service, argument, session.actor),
      },
    },
  ],
];

async function newToken({ service, session, request }: Call): Promise<object> {
  const body = await jsonOf(request);
  const days = body.get('days') ?? 30;
  const role = body.get('role');
  if (typeof days !== 'number') throw new AdminProblem('bad_request', { detail: 'days are a number' });
  if (!isRole(role)) throw new AdminProblem('bad_request', { detail: `a role is one of ${adminRoles.join(', ')}` });
  return await createAdminToken(service, {
    who: String(body.get('who') ?? ''),
    role,
    lifetimeMs: days * 86_400_000,
    by: session.actor,
  });
}

/** What answers a request, and the argument that is in its path. @throws AdminProblem `not_found`, `method_not_allowed` */
export function methodAt(path: string, { method }: Request): { readonly method: Method; readonly argument: string } {
  for (const [pattern, route] of routes) {
    const [whole, argument = ''] = pattern.exec(path) ?? [];
    if (whole === undefined) continue;
    const found = new Map<string, Method>(Object.entries(route)).get(method === 'HEAD' ? 'GET' : method);
    if (found !== undefined) return { method: found, argument };
    throw new AdminProblem('method_not_allowed', { headers: { allow: Object.keys(route).join(', ') } });
  }
  throw new AdminProblem('not_found');
}
