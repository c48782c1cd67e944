#!/usr/bin/env bash
# Asks the running Alertmanager, which has no port on the host, by its own tool: amtool.sh alert query, and so on.
set -euo pipefail
source "$(dirname "$0")/compose.sh"
id=$(containers_of alertmanager | head -n 1)
[ -n "$id" ] || fail "Alertmanager does not run: start the stack with \`make up\`."
[ $# -gt 0 ] || set -- alert query
exec docker exec "$id" amtool "$@"
