#!/usr/bin/env bash
# backup: volumes, .env, secrets and pool into one file of mode 0600; restore FILE: the other way round.
# The stack is stopped meanwhile, so that no file changes under the copy.
set -euo pipefail
source "$(dirname "$0")/compose.sh"
source "$(dirname "$0")/data-volumes.sh"
umask 077
all() { in_volumes "$1" "${data_volumes[@]}"; }

case "${1:-}" in
  backup)
    work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
    every stop
    trap 'rm -rf "$work"; compose up -d --no-build >/dev/null' EXIT
    all "tar -c ." >"$work/volumes.tar"
    mkdir -p backups
    file=backups/gpu-power-$(date -u +%Y%m%dT%H%M%SZ).tar.gz
    tar -czf "$file" .env secrets config -C "$work" volumes.tar
    say "Wrote $file. It holds secrets: keep it as safe as they are."
    ;;
  restore)
    [ -f "${2:-}" ] || fail "Say which backup: make restore FILE=backups/….tar.gz"
    work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
    tar -xzf "$2" -C "$work"
    # Not half of it: an archive without volumes would empty what is there.
    [ -s "$work/volumes.tar" ] || fail "$2 holds no volumes: it is not a backup of this stack."
    [ ! -f .env ] || every down
    rm -rf secrets config
    cp -a "$work/.env" "$work/secrets" "$work/config" .
    docker image inspect "$(tool_image)" >/dev/null 2>&1 || every build listener
    all "find . -mindepth 2 -delete && tar -x" <"$work/volumes.tar"
    say "Restored. Run \`make up\`."
    ;;
  *) fail "Usage: volumes.sh backup | restore FILE" ;;
esac
