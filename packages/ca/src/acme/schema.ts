/**
 * The tables of ACME, for SQLite and PostgreSQL: `{text}`, `{int}` and `{bytes}` stand for column types. Names are
 * `acme_…`. A serial number is the link to the authority's certificates.
 *
 * @module
 */

import type { Schema } from '../store/schema.ts';

export const acmeSchema: Schema = {
  name: 'acme',
  migrations: [
    `
    -- Secrets of the server's own, by what they are for.
    CREATE TABLE acme_keys (
      purpose {text} PRIMARY KEY,
      secret {bytes} NOT NULL,
      created_at {int} NOT NULL
    ) {strict};
    -- Nonces that were used, until they expire: those that are not used leave nothing behind.
    CREATE TABLE acme_nonces (
      nonce {bytes} PRIMARY KEY,
      expires_at {int} NOT NULL
    ) {strict};
    CREATE INDEX acme_nonces_expiry ON acme_nonces (expires_at);
    CREATE TABLE acme_external_keys (
      id {text} PRIMARY KEY,
      secret {bytes} NOT NULL,
      label {text} NOT NULL,
      created_at {int} NOT NULL,
      revoked_at {int}
    ) {strict};
    CREATE TABLE acme_accounts (
      id {text} PRIMARY KEY,
      status {text} NOT NULL CHECK (status IN ('valid', 'deactivated', 'revoked')),
      thumbprint {text} NOT NULL UNIQUE,
      public_key {bytes} NOT NULL UNIQUE,
      contacts {text} NOT NULL,
      terms_agreed_at {int},
      external_key_id {text} REFERENCES acme_external_keys (id),
      external_binding {text},
      created_at {int} NOT NULL
    ) {strict};
    CREATE TABLE acme_authorizations (
      id {text} PRIMARY KEY,
      account_id {text} NOT NULL REFERENCES acme_accounts (id),
      identifier_type {text} NOT NULL CHECK (identifier_type IN ('dns', 'ip')),
      identifier_value {text} NOT NULL,
      wildcard {int} NOT NULL,
      status {text} NOT NULL CHECK (status IN ('pending', 'valid', 'invalid', 'deactivated')),
      expires_at {int} NOT NULL,
      validated_at {int},
      -- When CAA records last permitted it.
      caa_checked_at {int},
      created_at {int} NOT NULL
    ) {strict};
    CREATE INDEX acme_authorizations_identifier
      ON acme_authorizations (account_id, identifier_value, identifier_type, wildcard, status, validated_at);
    CREATE INDEX acme_authorizations_expiry ON acme_authorizations (expires_at);
    CREATE TABLE acme_challenges (
      id {text} PRIMARY KEY,
      authorization_id {text} NOT NULL REFERENCES acme_authorizations (id) ON DELETE CASCADE,
      type {text} NOT NULL,
      token {text} NOT NULL,
      status {text} NOT NULL CHECK (status IN ('pending', 'processing', 'valid', 'invalid')),
      validated_at {int},
      leased_until {int},
      error {text}
    ) {strict};
    CREATE INDEX acme_challenges_authorization ON acme_challenges (authorization_id);
    -- The few that are being validated: whoever starts next takes up those whose lease is over.
    CREATE INDEX acme_challenges_processing ON acme_challenges (leased_until) WHERE status = 'processing';
    CREATE TABLE acme_orders (
      id {text} PRIMARY KEY,
      account_id {text} NOT NULL REFERENCES acme_accounts (id),
      status {text} NOT NULL CHECK (status IN ('pending', 'ready', 'processing', 'valid', 'invalid')),
      expires_at {int} NOT NULL,
      profile {text},
      replaces {text},
      error {text},
      serial {text},
      chain {text},
      -- Other chains for the same certificate: PEM, as a JSON list.
      alternates {text},
      leased_until {int},
      created_at {int} NOT NULL
    ) {strict};
    CREATE INDEX acme_orders_account ON acme_orders (account_id, created_at, id);
    CREATE INDEX acme_orders_expiry ON acme_orders (status, expires_at);
    CREATE INDEX acme_orders_serial ON acme_orders (serial);
    CREATE INDEX acme_orders_replaces ON acme_orders (replaces);
    CREATE INDEX acme_orders_open ON acme_orders (account_id) WHERE status IN ('pending', 'ready', 'processing');
    CREATE TABLE acme_order_authorizations (
      order_id {text} NOT NULL REFERENCES acme_orders (id) ON DELETE CASCADE,
      position {int} NOT NULL,
      authorization_id {text} NOT NULL REFERENCES acme_authorizations (id),
      PRIMARY KEY (order_id, position)
    ) {strict};
    CREATE INDEX acme_order_authorizations_authorization ON acme_order_authorizations (authorization_id);
    -- What rate limits remember: until when what was done weighs (rates.ts). Gone when that is over.
    CREATE TABLE acme_rates (
      kind {text} NOT NULL,
      subject {text} NOT NULL,
      weighs_until {int} NOT NULL,
      PRIMARY KEY (kind, subject)
    ) {strict};
    CREATE INDEX acme_rates_end ON acme_rates (weighs_until);
    `,
    `
    -- What was given out before is good no more: whoever comes with it is told so, and given another. Which were used is forgotten with it.
    DELETE FROM acme_keys WHERE purpose = 'nonces';
    DROP TABLE acme_nonces;
    -- A nonce begins with its expiry.
    CREATE TABLE acme_nonces (
      nonce {bytes} NOT NULL PRIMARY KEY
    ) {strict by key};
    -- Orders that have neither, as most have no second, are looked for by neither.
    DROP INDEX acme_orders_serial;
    DROP INDEX acme_orders_replaces;
    CREATE INDEX acme_orders_serial ON acme_orders (serial) WHERE serial IS NOT NULL;
    CREATE INDEX acme_orders_replaces ON acme_orders (replaces) WHERE replaces IS NOT NULL;
    `,
    `
    -- When the certificate ends that an order has: some time after, nobody asks for the order any more.
    ALTER TABLE acme_orders ADD COLUMN certificate_ends_at {int};
    UPDATE acme_orders SET certificate_ends_at =
      (SELECT not_after FROM certificates WHERE certificates.serial = acme_orders.serial) WHERE serial IS NOT NULL;
    CREATE INDEX acme_orders_ends ON acme_orders (certificate_ends_at) WHERE certificate_ends_at IS NOT NULL;
    `,
  ],
};
