/**
 * What options of `handfast ca` may be: known before any of its code is loaded.
 *
 * @module
 */

export const keyTypeNames = ['p256', 'p384', 'ed25519', 'rsa2048', 'rsa3072', 'rsa4096'] as const;
export type KeyTypeName = (typeof keyTypeNames)[number];

export const statuses = ['valid', 'expired', 'revoked'] as const;

/** Of RFC 5280 §5.3.1's those that are said of a leaf; on hold is nothing, since no client asks twice. */
export const reasons = [
  'unspecified',
  'keyCompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'privilegeWithdrawn',
] as const;
export type Reason = (typeof reasons)[number];

/** How ACME clients prove a name. */
export const challengeNames = ['http-01', 'dns-01', 'tls-alpn-01'] as const;
export type ChallengeName = (typeof challengeNames)[number];

/** RFC 8555, and the port beside it: ACME over TLS, lists and root over plain HTTP. */
/** What people may at the dashboard. */
export const dashboardRoles = ['viewer', 'issuer', 'revoker', 'admin'] as const;

/** From where the dashboard is reached. */
export const dashboardReaches = ['machine', 'network', 'off'] as const;
export type DashboardReach = (typeof dashboardReaches)[number];

export const defaultPort = 8555;
export const defaultHttpPort = 8556;
