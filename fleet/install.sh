#!/usr/bin/env bash
# Installs what `npm run fleet` wants: Redis.
set -euo pipefail
source "$(dirname "$0")/../scripts/install.bash"

debian 'redis-server redis-server'
finish
