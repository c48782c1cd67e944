#!/usr/bin/env bash
# Restarts power; what waits in NATS is taken up again, and the console is looked at before anything is done.
# Of two the standby comes first: when it is back, the one that acts leaves the lease to it.
set -euo pipefail
source "$(dirname "$0")/compose.sh"
for ((index = ${#power_services[@]} - 1; index >= 0; index--)); do
  compose up -d --no-build --no-deps --force-recreate "${power_services[index]}"
  wait_healthy "${power_services[index]}"
done
