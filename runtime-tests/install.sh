#!/usr/bin/env bash
# Installs what `npm run runtimes` wants, as root on Debian: Chromium and Firefox, and Node 22 beside the runtimes that are npm
# packages. Does nothing where it is there, and names what cannot be had.
set -euo pipefail
cd "$(dirname "$0")"

packages=()
command -v chromium >/dev/null 2>&1 || packages+=(chromium)
command -v firefox-esr >/dev/null 2>&1 || packages+=(firefox-esr)
if ((${#packages[@]})); then
  echo "installing ${packages[*]}"
  apt-get update -qq || true
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null || true
fi
missing=()
for command in chromium firefox-esr; do
  command -v "$command" >/dev/null 2>&1 || missing+=("$command (Debian package)")
done
if ((${#missing[@]})); then
  printf 'missing: %s\n' "${missing[@]}" >&2
  exit 1
fi
