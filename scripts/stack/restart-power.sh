#!/usr/bin/env bash
# Restarts power; what waits in NATS is taken up again, and the console is looked at before anything is done.
set -euo pipefail
source "$(dirname "$0")/compose.sh"
compose up -d --no-build --no-deps --force-recreate power
wait_healthy power
