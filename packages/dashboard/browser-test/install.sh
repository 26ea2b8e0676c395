#!/usr/bin/env bash
# Installs what `npm run browser` wants, as root on Debian: Chromium. Does nothing where it is there, and fails where it cannot be had.
set -euo pipefail

command -v chromium >/dev/null 2>&1 && exit
echo 'installing chromium'
apt-get update -qq || true
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null || true
command -v chromium >/dev/null 2>&1 && exit
echo 'missing: chromium (Debian package)' >&2
exit 1
