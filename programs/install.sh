#!/usr/bin/env bash
# Installs what `npm run programs` wants beside the programs: servers.
set -euo pipefail
source "$(dirname "$0")/../scripts/install.bash"

debian 'psql postgresql' 'redis-server redis-server' '/usr/sbin/mariadbd mariadb-server' '/usr/sbin/mosquitto mosquitto' \
  '/usr/lib/rabbitmq/bin/rabbitmq-server rabbitmq-server' 'h2load nghttp2-client'
finish
