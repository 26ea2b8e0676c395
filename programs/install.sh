#!/usr/bin/env bash
# Installs what `npm run programs` wants, as root on Debian: servers, and the programs from npm. Does nothing where they
# are there; names what it could not get, and then fails.
set -euo pipefail
cd "$(dirname "$0")"

missing=()

# A command or a path, and its package.
packages=()
wanted=$(
  cat <<'LIST'
psql postgresql
redis-server redis-server
/usr/sbin/mariadbd mariadb-server
/usr/sbin/mosquitto mosquitto
/usr/lib/rabbitmq/bin/rabbitmq-server rabbitmq-server
h2load nghttp2-client
LIST
)
while read -r command package; do
  command -v "$command" >/dev/null 2>&1 || packages+=("$package")
done <<<"$wanted"

if ((${#packages[@]})); then
  echo "installing ${packages[*]}"
  apt-get update -qq || true
  # In this run level the packages start no services of their own.
  RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null || true
fi
while read -r command package; do
  command -v "$command" >/dev/null 2>&1 || missing+=("$package (Debian package)")
done <<<"$wanted"

# The programs are as their lock file says.
stamp=node_modules/.handfast-installed
lock=$(sha256sum <package-lock.json)
if [[ ! -f $stamp || $(<"$stamp") != "$lock" ]]; then
  echo 'installing the programs'
  if npm ci --ignore-scripts --no-audit --no-fund --loglevel=error; then
    echo "$lock" >"$stamp"
  else
    missing+=('the programs of package-lock.json (npm)')
  fi
fi

if ((${#missing[@]})); then
  printf 'missing: %s\n' "${missing[@]}" >&2
  exit 1
fi
