#!/usr/bin/env bash
# Installs what `npm run runtimes` wants beside the runtimes that are npm packages: Chromium and Firefox.
set -euo pipefail
source "$(dirname "$0")/../scripts/install.bash"

debian 'chromium chromium' 'firefox-esr firefox-esr'
finish
