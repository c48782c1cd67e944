#!/usr/bin/env bash
# Restarts the listener with an overlap: a second one registers before the first is stopped, so that no notice
# falls between. Two listeners at once are harmless: power folds each notice once.
set -euo pipefail
source "$(dirname "$0")/compose.sh"

old=$(compose ps -q listener)
[ -n "$old" ] || fail "The listener does not run: use \`make up\`."
compose up -d --no-build --no-deps --no-recreate --scale listener=2 listener
new=$(compose ps -q listener | grep -vxF "$old" | head -n 1)
[ -n "$new" ] || fail "No second listener was started; the first one goes on."
deadline=$((SECONDS + 60))
until docker exec "$new" node -e \
  "fetch('http://127.0.0.1:9101/readyz').then(r=>process.exit(r.ok?0:1),()=>process.exit(1))"; do
  if [ $SECONDS -ge $deadline ]; then
    docker logs --tail 5 "$new" >&2
    docker rm -f "$new" >/dev/null
    fail "The new listener was not ready within a minute and was removed; the old one goes on."
  fi
  sleep 0.5
done
docker stop "$old" >/dev/null
docker rm "$old" >/dev/null
say "The new listener is registered; the old one is stopped."
