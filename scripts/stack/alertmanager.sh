#!/usr/bin/env bash
# Renders secrets/alertmanager.yml for the receiver that .env names, in a container: the host needs no Node.
# Prints "changed" when it differs from the one before.
set -euo pipefail
source "$(dirname "$0")/compose.sh"
umask 077
new=$(helper --user "$APP_UID:$APP_GID" \
  --env-file <(grep '^ALERT_' .env || true) \
  -v "$PWD/scripts/alertmanager:/app/scripts/alertmanager:ro" "${shared_sources[@]}" -v "$PWD/secrets:/app/secrets:ro" \
  "$(tool_image)" node scripts/alertmanager/main.ts) || fail "The alerts' receiver in .env is not complete; see above."
[ "$new" != "$(<secrets/alertmanager.yml)" ] || exit 0
# Into the same file: the container's mount follows the file, not its name.
printf '%s\n' "$new" >secrets/alertmanager.yml
echo changed
