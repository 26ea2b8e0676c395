#!/usr/bin/env bash
# Installs what `npm run browser` and `npm run viewer-test` want: Chromium.
set -euo pipefail
source "$(dirname "$0")/../../../scripts/install.bash"

debian 'chromium chromium'
finish
