/**
 * The tables of enrolment: tokens, and the names that they are good for. A token itself is nowhere in them.
 *
 * @module
 */

import type { Schema } from '../store/schema.ts';

export const enrolmentSchema: Schema = {
  name: 'enrolment',
  migrations: [
    `
    CREATE TABLE enrolment_tokens (
      id {text} PRIMARY KEY,
      -- SHA-256, hexadecimal.
      hash {text} NOT NULL UNIQUE,
      profile {text} NOT NULL,
      common_name {text},
      created_by {text} NOT NULL,
      created_at {int} NOT NULL,
      expires_at {int} NOT NULL,
      revoked_at {int},
      -- Whose key it was redeemed with, and until when whoever redeems it is at work.
      key_hash {text},
      used_at {int},
      leased_until {int},
      CHECK ((key_hash IS NULL) = (used_at IS NULL))
    ) {strict};
    CREATE INDEX enrolment_tokens_by_time ON enrolment_tokens (created_at, id);
    CREATE INDEX enrolment_tokens_by_end ON enrolment_tokens (expires_at);
    CREATE TABLE enrolment_token_names (
      token_id {text} NOT NULL REFERENCES enrolment_tokens (id) ON DELETE CASCADE,
      position {int} NOT NULL,
      kind {text} NOT NULL CHECK (kind IN ('dns', 'ip', 'email')),
      name {text} NOT NULL,
      PRIMARY KEY (token_id, position)
    ) {strict};
    `,
  ],
};
