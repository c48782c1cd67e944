#!/usr/bin/env bash
# Restarts the listener with an overlap: for each that runs a new one registers before the old ones are stopped, so
# that no notice falls between. Several listeners at once are harmless: whatever they hear, the GPU is started once.
set -euo pipefail
source "$(dirname "$0")/compose.sh"

mapfile -t old < <(containers_of listener)
[ ${#old[@]} -gt 0 ] || fail "The listener does not run: use \`make up\`."
if [ -n "$(docker port "${old[0]}")" ]; then
  # Its port on this host can be had by one only; in a cluster the listeners of the other hosts hear meanwhile.
  compose up -d --no-build --no-deps --force-recreate listener
  wait_healthy listener
  exit 0
fi
compose up -d --no-build --no-deps --no-recreate --scale "listener=$((2 * ${#old[@]}))" listener
mapfile -t new < <(containers_of listener | grep -vxF "$(printf '%s\n' "${old[@]}")")
[ ${#new[@]} -eq ${#old[@]} ] || fail "Not as many new listeners were started as there are; all of them go on. \`make logs\` says why."
deadline=$((SECONDS + 60))
for id in "${new[@]}"; do
  until words=$(readiness "$id" 9101); do
    if [ $SECONDS -ge $deadline ]; then
      docker rm -f "${new[@]}" >/dev/null
      fail "A new listener was not ready within a minute and was removed; the old one goes on." "It said: $words"
    fi
    sleep 0.2
  done
done
docker stop "${old[@]}" >/dev/null
docker rm "${old[@]}" >/dev/null
say "The new listener is registered; the old one is stopped."
