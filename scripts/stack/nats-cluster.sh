#!/usr/bin/env bash
# Prints the part of NATS' configuration that makes several servers one cluster; none for a single server.
# $1: the routes of all of them, "host:port host:port …", the server's own among them. $2: what they prove to each other.
set -euo pipefail
routes=${1-} password=${2-}
if [ -z "$routes" ]; then
  echo "# A single server: no cluster."
  exit 0
fi
cat <<CONF
cluster {
  name: gpu-power
  listen: "0.0.0.0:6222"
  # Clients know all servers by NATS_URL; addresses inside of containers would lead those on other hosts astray.
  no_advertise: true
  authorization { user: route, password: "$password", timeout: 2 }
  routes: [
$(for route in $routes; do printf '    "nats-route://route:%s@%s"\n' "$password" "$route"; done)
  ]
}
CONF
