#!/usr/bin/env bash
# Installs what `npm run web-examples` wants: Chromium, PostgreSQL, curl, and a WebTransport server from PyPI.
set -euo pipefail
cd "$(dirname "$0")"
source ../../scripts/install.bash

debian 'chromium chromium' 'psql postgresql' 'curl curl' 'python3 python3'

# The version and the hashes are those of requirements.txt.
python=.cache/python
version=$(sed -n 's/^aioquic==\([^ ]*\) .*/\1/p' adapters/requirements.txt)
has_aioquic() {
  [[ $(PYTHONPATH=$python python3 -c '
from importlib.metadata import version
import aioquic.h3.connection
print(version("aioquic"))' 2>/dev/null) == "$version" ]]
}
if ! has_aioquic; then
  echo "installing aioquic $version"
  rm -rf "$python"
  pip_install --target "$python" --require-hashes --only-binary :all: -r adapters/requirements.txt
  has_aioquic || missing+=("aioquic $version (PyPI)")
fi
finish
