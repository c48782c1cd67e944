#!/usr/bin/env bash
# Renders secrets/alertmanager.yml and secrets/robots.json for the receivers that .env names, in a container: the host
# needs no Node. Prints the services whose file differs from the one before. With `preview`: see scripts/alertmanager.
set -euo pipefail
source "$(dirname "$0")/compose.sh"
umask 077
render() {
  helper --user "$APP_UID:$APP_GID" --env-file <(grep '^ALERT_' .env 2>/dev/null || true) \
    -v "$PWD/scripts/alertmanager:/app/scripts/alertmanager:ro" -v "$PWD/services/messenger/src:/app/services/messenger/src:ro" \
    -v "$PWD/docs/runbooks:/app/docs/runbooks:ro" "${shared_sources[@]}" -v "$PWD/secrets:/app/secrets:ro" \
    "$(tool_image)" node scripts/alertmanager/main.ts "$@"
}
[ "${1:-}" != preview ] || { render "$@"; exit; }
new=$(render) || fail "The alerts' receiver in .env is not complete; see above."
# The second line is empty where no robot is named.
alertmanager=${new%%$'\n'*} robots=
[ "$alertmanager" = "$new" ] || robots=${new#*$'\n'}
# Into the same file: the container's mount follows the file, not its name.
if [ "$alertmanager" != "$(<secrets/alertmanager.yml)" ]; then printf '%s\n' "$alertmanager" >secrets/alertmanager.yml; echo alertmanager; fi
if [ "$robots" != "$(<secrets/robots.json)" ]; then printf '%s\n' "$robots" >secrets/robots.json; echo messenger; fi
