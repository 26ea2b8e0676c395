# For the install.sh of what talks to real peers, to be sourced: each asks for what it wants as root on Debian, and ends with `finish`,
# which names what could not be had, and then fails. What is there already is not touched. Packages of npm are the launcher's to
# install (run.mjs).

missing=()

has() { command -v "$1" >/dev/null 2>&1; }

# Packages of Debian's.
apt_install() {
  echo "installing $*"
  apt-get update -qq || true
  local log
  log=$(mktemp)
  # In this run level the packages start no services of their own.
  RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >"$log" 2>&1 ||
    tail -n 20 "$log" >&2
  rm -f "$log"
}

# A command, or its path, and the package that brings it, each pair a word: debian 'psql postgresql' 'curl curl'
debian() {
  local line command package packages=()
  for line in "$@"; do
    read -r command package <<<"$line"
    has "$command" || packages+=("$package")
  done
  if ((${#packages[@]})); then apt_install "${packages[@]}"; fi
  for line in "$@"; do
    read -r command package <<<"$line"
    has "$command" || missing+=("$command (Debian package $package)")
  done
}

# Debian's Python comes without pip.
pip_install() {
  python3 -m pip --version >/dev/null 2>&1 || apt_install python3-pip
  python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore "$@" || true
}

finish() {
  if ((${#missing[@]} == 0)); then return; fi
  printf 'missing: %s\n' "${missing[@]}" >&2
  exit 1
}
