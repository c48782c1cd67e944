#!/usr/bin/env bash
# Builds new images, then replaces one service after the other; the listener with an overlap.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
source "$here/compose.sh"
compose build nats listener power
compose up -d --no-build --no-deps nats
wait_healthy nats
"$here/restart-listener.sh"
"$here/restart-power.sh"
