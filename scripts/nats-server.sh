#!/usr/bin/env bash
# Names the nats-server that tests, demo and bench run, as a path on standard output: NATS_SERVER where somebody has
# set it, else the current one that Go has built into a cache, else the one on the PATH, such as Debian's 2.9, which
# does not know all of deploy/nats/nats.conf.
#   build    builds the current one first, where Go is there and it is not in the cache yet; never fails for want of it
#   version  says which one it is, in words
set -euo pipefail

# The version whose image docker-compose.yml names.
VERSION=v2.11.11
MODULE=github.com/nats-io/nats-server/v2
cache=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/gpu-power-manager
current=$cache/nats-server-$VERSION

build() {
  [ -z "${NATS_SERVER:-}" ] && [ ! -x "$current" ] && command -v go >/dev/null || return 0
  printf '\033[1mBuilding nats-server %s with Go (once; a minute or two)\033[0m\n' "$VERSION" >&2
  mkdir -p "$cache"
  local work
  work=$(mktemp -d "$cache/build.XXXXXX")
  # Without libc, so that the container suite can use the same file on any base image.
  if CGO_ENABLED=0 GOBIN=$work go install -trimpath "$MODULE@$VERSION" >"$work/log" 2>&1; then
    mv "$work/nats-server" "$current"
  else
    tail -5 "$work/log" >&2
    echo "Go cannot build it here (see above); the nats-server on the PATH is used instead." >&2
  fi
  rm -rf "$work"
}

which_one() {
  if [ -n "${NATS_SERVER:-}" ]; then echo "$NATS_SERVER"
  elif [ -x "$current" ]; then echo "$current"
  else command -v nats-server || { echo "There is no nats-server: run make setup, or set NATS_SERVER to one." >&2; exit 1; }
  fi
}

case "${1:-}" in
  "") which_one ;;
  build) build ;;
  version) file=$(which_one); echo "$("$file" --version) ($file)" ;;
  *) echo "usage: scripts/nats-server.sh [build|version]" >&2; exit 2 ;;
esac
