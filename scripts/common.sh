# shellcheck shell=bash
# shellcheck disable=SC2034 # the variables are for the scripts that source this
# What the scripts share: sourced, never run.

# The repository's root, so that a script works from any directory.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# Everything that may be thrown away and built again: tools, Python packages, CI's build output.
cache=${XDG_CACHE_HOME:-$HOME/.cache}/jurat

# Results go to stdout and talk goes to stderr, so that a result can be captured.
say() { printf '%s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# Whether packages can be installed without asking anybody.
can_apt() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; }

# Installs Debian packages without a question. The lists are refreshed only when they are missing or too old to help.
apt_install() {
  say "installing with apt-get: $*"
  apt_get install -y --no-install-recommends "$@" || { apt_get update && apt_get install -y --no-install-recommends "$@"; }
}
apt_get() { DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 "$@" >/dev/null; }
