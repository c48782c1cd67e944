#!/usr/bin/env bash
# Prints each service and the image that compose takes for it, a line a service.
set -euo pipefail
source "$(dirname "$(readlink -f "$0")")/compose.sh"
every config | awk '
  /^[a-z]/ { inside = /^services:/ }
  inside && /^  [a-z0-9-]+:$/ { name = $1; sub(/:$/, "", name) }
  inside && /^    image: / { gsub(/["\047]/, "", $2); print name, $2 }'
