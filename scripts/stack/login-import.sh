#!/usr/bin/env bash
# Brings a console session that `make login` kept on a machine with a display into power's volume.
set -euo pipefail
source "$(dirname "$0")/compose.sh"
file=${1:-}
[ -s "$file" ] || fail "Say which session: make login-import FILE=login/console-session.enc (made by \`make login\`)."
[ "$(head -c 4 "$file")" = GPM1 ] || fail "$file is no session that \`make login\` has kept."
id=$(containers_of power | head -n 1)
[ -n "$id" ] || fail "Power does not run: use \`make up\` first."
image=$(docker inspect -f '{{.Image}}' "$id")
pool=$(setting POOL)
# All of them: a standby would take over meanwhile, with the session that is of no use any more.
mapfile -t ids < <(for service in "${power_services[@]}"; do containers_of "$service"; done)
docker stop "${ids[@]}" >/dev/null
docker run --rm -i --network none --read-only --user "$APP_UID:$APP_GID" --cap-drop ALL --volumes-from "$id" --entrypoint sh "$image" \
  -c 'umask 077; mkdir -p "/state/$0" && cat >"/state/$0/console-session.enc"' "${pool:-default}" <"$file"
docker start "${ids[@]}" >/dev/null
wait_healthy "${power_services[@]}"
for service in "${power_services[@]}"; do
  wait_ready "$service" 9102 60 || fail "Power is still not ready: was the session made with the server's secrets/session-key?"
done
