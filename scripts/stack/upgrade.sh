#!/usr/bin/env bash
# Takes new images, then replaces one service after the other; the listener with an overlap.
# Where .env names images of ours (LISTENER_IMAGE …) they are pulled, else built; NO_BUILD=1 takes what is here.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
"$here/prepare.sh"
source "$here/compose.sh"
mapfile -t others < <(here_of prometheus alertmanager grafana)
[ -n "${NO_BUILD:-}" ] || "$here/take-images.sh" new nats listener power "${others[@]}"
replace() { compose up -d --no-build --no-deps "$@"; wait_healthy "${@: -1}"; }
for service in $(here_of "${nats_services[@]}"); do replace "$service"; done
! runs_here listener || "$here/restart-listener.sh"
! runs_here power || "$here/restart-power.sh"
"$here/alertmanager.sh" >/dev/null
"$here/logins.sh" >/dev/null
# Their configuration lies in files of the project, of which compose sees no change.
for service in "${others[@]}"; do replace --force-recreate "$service"; done
say "Upgraded."
