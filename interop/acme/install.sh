#!/usr/bin/env bash
# Installs what `npm run acme` wants, as root on Debian: ACME clients, PostgreSQL, and the client from npm. Does nothing where they are
# there; names what it could not get, and then fails.
set -euo pipefail
cd "$(dirname "$0")"

missing=()
packages=()
for client in certbot dehydrated; do
  command -v "$client" >/dev/null 2>&1 || packages+=("$client")
done
postgres() { compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; }
postgres || packages+=(postgresql)
if ((${#packages[@]})); then
  echo "installing ${packages[*]}"
  apt-get update -qq || true
  # In this run level the packages start no services of their own.
  RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null || true
fi
for client in certbot dehydrated; do
  command -v "$client" >/dev/null 2>&1 || missing+=("$client (Debian package)")
done
postgres || missing+=('postgresql (Debian package)')

stamp=node_modules/.handfast-installed
lock=$(sha256sum <package-lock.json)
if [[ ! -f $stamp || $(<"$stamp") != "$lock" ]]; then
  echo 'installing acme-client'
  if npm ci --ignore-scripts --no-audit --no-fund --loglevel=error; then
    echo "$lock" >"$stamp"
  else
    missing+=('acme-client of package-lock.json (npm)')
  fi
fi

if ((${#missing[@]})); then
  printf 'missing: %s\n' "${missing[@]}" >&2
  exit 1
fi
