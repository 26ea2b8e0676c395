/**
 * Who may do what at the dashboard: each role sees everything; what else it may is a row.
 *
 * @module
 */

export type AdminRole = 'viewer' | 'issuer' | 'revoker' | 'admin';

export type AdminPermission = 'view' | 'issue' | 'revoke' | 'administer';

const table: ReadonlyMap<string, readonly AdminPermission[]> = new Map<AdminRole, readonly AdminPermission[]>([
  ['viewer', ['view']],
  ['issuer', ['view', 'issue']],
  ['revoker', ['view', 'revoke']],
  ['admin', ['view', 'issue', 'revoke', 'administer']],
]);

export const adminRoles: readonly AdminRole[] = ['viewer', 'issuer', 'revoker', 'admin'];

export function isRole(text: unknown): text is AdminRole {
  return typeof text === 'string' && table.has(text);
}

/** None for what is no role. */
export function permissionsOf(role: AdminRole): readonly AdminPermission[] {
  return table.get(role) ?? [];
}
