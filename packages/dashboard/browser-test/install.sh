#!/usr/bin/env bash
# Installs what `npm run browser` and `npm run viewer-test` want: Chromium, what puts certificates into its
# store, and Wireshark's tshark.
set -euo pipefail
source "$(dirname "$0")/../../../scripts/install.bash"

debian 'chromium chromium' 'certutil libnss3-tools' 'pk12util libnss3-tools' 'tshark tshark'
finish
