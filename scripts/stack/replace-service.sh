#!/usr/bin/env bash
# Replaces one service by the image that it has now, and waits until it is healthy; with "ready" until it can do its
# work, too. Of the powers of a host all together. What was there before is told when the new one fails.
# Usage: replace-service.sh SERVICE [ready]
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
source "$here/compose.sh"
service=$1 ready=${2:-}
case $service in
  listener)
    if [ -n "$ready" ]; then "$here/restart-listener.sh"
    else
      compose up -d --no-build --no-deps --force-recreate listener
      wait_healthy listener
    fi
    ;;
  power)
    "$here/restart-power.sh"
    [ -z "$ready" ] || for each in "${power_services[@]}"; do wait_ready "$each" 9102 "${WAIT_SECONDS:-60}"; done
    ;;
  prometheus | alertmanager | messenger | grafana)
    # Their configuration lies in files of the project, of which compose sees no change.
    compose up -d --no-build --no-deps --force-recreate "$service"
    wait_healthy "$service"
    ;;
  *)
    compose up -d --no-build --no-deps "$service"
    wait_healthy "$service"
    ;;
esac
