#!/usr/bin/env bash
# Makes everything ready that `make demo` and `make test` need, on a fresh Debian or Ubuntu machine, as root
# or with sudo. Quiet when there is nothing to do. SETUP_DRY_RUN=1 prints what it would run.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '\033[1m%s\033[0m\n' "$*" >&2; }
fail() { printf '%s\n' "$@" >&2; exit 1; }
run() { if [ -n "${SETUP_DRY_RUN:-}" ]; then echo "would run: $*"; else "$@"; fi; }

chromium_works() {
  local path
  for path in "${CHROMIUM_PATH:-}" chromium; do
    # Ubuntu's `chromium` may be no browser but a note on where to get one.
    [ -n "$path" ] && "$path" --version 2>/dev/null | grep -qi chrom && return 0
  done
  return 1
}
cjk_font() { command -v fc-list >/dev/null && [ -n "$(fc-list :lang=zh 2>/dev/null | head -n 1)" ]; }

missing=()
command -v npm >/dev/null || missing+=(nodejs npm)
run scripts/nats-server.sh build
scripts/nats-server.sh >/dev/null 2>&1 || missing+=(nats-server)
command -v redis-server >/dev/null || missing+=(redis-server)
command -v promtool >/dev/null || missing+=(prometheus)
command -v amtool >/dev/null || missing+=(prometheus-alertmanager)
chromium_works || missing+=(chromium)
command -v certutil >/dev/null || missing+=(libnss3-tools)
cjk_font || missing+=(fontconfig fonts-noto-cjk)

if [ ${#missing[@]} -gt 0 ]; then
  command -v apt-get >/dev/null || fail \
    "These are missing: ${missing[*]}" \
    "This machine has no apt-get. Install them by hand: Node.js with npm, nats-server (2.9 or newer), Redis," \
    "Chromium (or set CHROMIUM_PATH) with certutil, Prometheus with promtool, Alertmanager with amtool, and a font with Chinese characters."
  sudo=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || fail "These are missing: ${missing[*]}" \
      "Run this once as root: apt-get update && apt-get install -y ${missing[*]}"
    sudo=(sudo)
  fi
  say "Installing ${missing[*]} (once; a minute or two)"
  # The packages' own services must not start and take ports: a policy says no, unless somebody set one.
  policy=/usr/sbin/policy-rc.d
  if [ -z "${SETUP_DRY_RUN:-}" ] && [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | "${sudo[@]}" tee "$policy" >/dev/null
    "${sudo[@]}" chmod 755 "$policy"
    trap '"${sudo[@]}" rm -f "$policy"' EXIT
  fi
  log=$(mktemp)
  run "${sudo[@]}" apt-get update -qq >"$log" 2>&1 || { cat "$log" >&2; fail "apt-get update failed; see above."; }
  run "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    "${missing[@]}" </dev/null >"$log" 2>&1 || { cat "$log" >&2; fail "apt-get install failed; see above."; }
  [ -n "${SETUP_DRY_RUN:-}" ] && cat "$log"
  rm -f "$log"
  if [ -z "${SETUP_DRY_RUN:-}" ] && ! chromium_works; then
    fail "Chromium does not run here. Install a browser (on Ubuntu for example google-chrome-stable) and set CHROMIUM_PATH to it."
  fi
fi

# npm's packages: as the lock file says, again only when it has changed.
stamp=node_modules/.package-lock.sha256
want=$(sha256sum package-lock.json | cut -d' ' -f1)
if [ ! -x node_modules/.bin/node ] || [ "$(cat "$stamp" 2>/dev/null)" != "$want" ]; then
  say "Installing npm packages (once; half a minute)"
  run npm ci --loglevel=error
  [ -n "${SETUP_DRY_RUN:-}" ] || printf '%s\n' "$want" >"$stamp"
fi
