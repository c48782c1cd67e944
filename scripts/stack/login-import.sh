#!/usr/bin/env bash
# Brings a console session that `make login` kept on a machine with a display into power's volume: beside the one that
# is there, checked with this server's key, and taken by power when it starts again.
set -euo pipefail
source "$(dirname "$0")/compose.sh"
file=${1:-}
[ -s "$file" ] || fail "Say which session: make login-import FILE=login/console-session.enc (made by \`make login\`)."
[ "$(head -c 4 "$file")" = GPM1 ] || fail "$file is no session that \`make login\` has kept."
id=$(containers_of power | head -n 1)
[ -n "$id" ] || fail "Power does not run: use \`make up\` first."
pool=$(setting POOL)
helper -i --user "$APP_UID:$APP_GID" -v "${COMPOSE_PROJECT_NAME}_power:/state" \
  -v "$PWD/secrets/session-key:/run/secrets/session-key:ro" -e SESSION_KEY_FILE=/run/secrets/session-key \
  --entrypoint sh "$(docker inspect -f '{{.Image}}' "$id")" -euc '
    umask 077
    mkdir -p "/state/$0"
    brought=/state/$0/console-session.enc.brought
    trap "rm -f $brought.new" EXIT
    cat >"$brought.new"
    node services/power/src/console/check-session.ts <"$brought.new"
    mv "$brought.new" "$brought"
  ' "${pool:-default}" <"$file" ||
  fail "The session was not brought in; see above. Power goes on with the one that it has."

# The standby first: when the one that acts stops, it takes over with the session that was brought.
mapfile -t ids < <(for service in "${power_services[@]}"; do containers_of "$service"; done)
trap 'docker start "${ids[@]}" >/dev/null' EXIT
for ((index = ${#power_services[@]} - 1; index >= 0; index--)); do
  docker restart $(containers_of "${power_services[index]}") >/dev/null
  wait_healthy "${power_services[index]}"
done
for service in "${power_services[@]}"; do
  wait_ready "$service" 9102 60 || fail "Power is still not ready: has the provider ended the session meanwhile? Log in again with \`make login\`."
done
