#!/usr/bin/env bash
# Installs what `npm run fleet` wants, as root on Debian: Redis. Does nothing where it is there.
set -euo pipefail

if ! command -v redis-server >/dev/null 2>&1; then
  echo 'installing redis-server'
  apt-get update -qq || true
  # In this run level the package starts no service of its own.
  RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends redis-server >/dev/null || true
fi
if ! command -v redis-server >/dev/null 2>&1; then
  echo 'missing: redis-server (Debian package)' >&2
  exit 1
fi
