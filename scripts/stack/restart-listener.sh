#!/usr/bin/env bash
# Restarts the listener with an overlap: a second one registers before the first is stopped, so that no notice
# falls between. Two listeners at once are harmless: power folds each notice once.
set -euo pipefail
source "$(dirname "$0")/compose.sh"

mapfile -t old < <(containers_of listener)
[ ${#old[@]} -gt 0 ] || fail "The listener does not run: use \`make up\`."
compose up -d --no-build --no-deps --no-recreate --scale "listener=$((${#old[@]} + 1))" listener
new=$(containers_of listener | grep -vxF "$(printf '%s\n' "${old[@]}")" | head -n 1)
[ -n "$new" ] || fail "No second listener was started; the first one goes on. \`make logs\` says why."
deadline=$((SECONDS + 60))
until words=$(readiness "$new" 9101); do
  if [ $SECONDS -ge $deadline ]; then
    docker rm -f "$new" >/dev/null
    fail "The new listener was not ready within a minute and was removed; the old one goes on." "It said: $words"
  fi
  sleep 0.2
done
docker stop "${old[@]}" >/dev/null
docker rm "${old[@]}" >/dev/null
say "The new listener is registered; the old one is stopped."
