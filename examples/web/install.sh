#!/usr/bin/env bash
# Installs what `npm run web-examples` wants, as root on Debian: Chromium, PostgreSQL, curl, a WebTransport server from
# PyPI, and what the lock file asks for. Does nothing where they are there; names what it could not get, and then fails.
set -euo pipefail
cd "$(dirname "$0")"

missing=()

# A command, and its package.
packages=()
wanted=$(
  cat <<'LIST'
chromium chromium
psql postgresql
curl curl
python3 python3
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

# The version and the hashes are those of requirements.txt. Debian's Python comes without pip.
python=node_modules/.cache/python
version=$(sed -n 's/^aioquic==\([^ ]*\) .*/\1/p' adapters/requirements.txt)
has_aioquic() {
  [[ $(PYTHONPATH=$python python3 -c '
from importlib.metadata import version
import aioquic.h3.connection
print(version("aioquic"))' 2>/dev/null) == "$version" ]]
}

# The runtimes and the libraries are as their lock file says.
stamp=node_modules/.handfast-installed
lock="$(sha256sum <package-lock.json | cut -d ' ' -f 1) linux-x64"
if [[ ! -f $stamp || $(<"$stamp") != "$lock" ]]; then
  echo 'installing the runtimes and libraries'
  if npm ci --ignore-scripts --no-audit --no-fund --loglevel=error; then
    echo "$lock" >"$stamp"
  else
    missing+=('the packages of package-lock.json (npm)')
  fi
fi

if ! has_aioquic; then
  echo "installing aioquic $version"
  rm -rf "$python"
  python3 -m pip --version >/dev/null 2>&1 || {
    apt-get update -qq || true
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3-pip >/dev/null || true
  }
  python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --target "$python" \
    --require-hashes --only-binary :all: -r adapters/requirements.txt || true
  has_aioquic || missing+=("aioquic $version (PyPI)")
fi

if ((${#missing[@]})); then
  printf 'missing: %s\n' "${missing[@]}" >&2
  exit 1
fi
