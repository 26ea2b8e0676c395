/**
 * The tables of the dashboard: tokens that operators sign in with, and sessions. Neither a token nor a session's cookie is in them.
 *
 * @module
 */

import type { Schema } from '../store/schema.ts';

export const adminSchema: Schema = {
  name: 'admin',
  migrations: [
    `
    CREATE TABLE admin_tokens (
      id {text} PRIMARY KEY,
      -- SHA-256, hexadecimal.
      hash {text} NOT NULL UNIQUE,
      who {text} NOT NULL,
      role {text} NOT NULL CHECK (role IN ('viewer', 'issuer', 'revoker', 'admin')),
      created_by {text} NOT NULL,
      created_at {int} NOT NULL,
      expires_at {int} NOT NULL,
      used_at {int},
      revoked_at {int}
    ) {strict};
    CREATE INDEX admin_tokens_by_time ON admin_tokens (created_at, id);
    CREATE INDEX admin_tokens_by_end ON admin_tokens (expires_at);
    CREATE TABLE admin_sessions (
      -- SHA-256 of the cookie's value, hexadecimal.
      hash {text} PRIMARY KEY,
      -- One of these: the token, or the serial number of the client certificate, that it was begun with.
      token_id {text} REFERENCES admin_tokens (id) ON DELETE CASCADE,
      serial {text},
      created_at {int} NOT NULL,
      expires_at {int} NOT NULL,
      CHECK ((token_id IS NULL) <> (serial IS NULL))
    ) {strict};
    CREATE INDEX admin_sessions_by_end ON admin_sessions (expires_at);
    CREATE INDEX admin_sessions_by_token ON admin_sessions (token_id, created_at);
    `,
  ],
};
