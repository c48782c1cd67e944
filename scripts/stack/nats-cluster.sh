#!/usr/bin/env bash
# Prints the part of NATS' configuration that makes several servers one cluster; none for a single server.
# $1: the routes of all of them, "host:port host:port …", the server's own among them. $2: what they prove to each other.
# $3: the folder in which the server finds cert.pem, key.pem and ca.pem; none where all are on one host.
set -euo pipefail
routes=${1-} password=${2-} tls=${3-}
if [ -z "$routes" ]; then
  echo "# A single server: no cluster."
  exit 0
fi
files="cert_file: \"$tls/cert.pem\", key_file: \"$tls/key.pem\", ca_file: \"$tls/ca.pem\""
[ -z "$tls" ] || cat <<CONF
# Listeners and powers prove themselves by their passwords, once the connection is encrypted.
tls { $files, timeout: 5 }
CONF
cat <<CONF
cluster {
  name: gpu-power
  listen: "0.0.0.0:6222"
  # Clients know all servers by NATS_URL; addresses inside of containers would lead those on other hosts astray.
  no_advertise: true
${tls:+  # Servers prove themselves to each other by their certificates, too.
  tls { $files, timeout: 5 \}
}  authorization { user: route, password: "$password", timeout: 2 }
  routes: [
$(for route in $routes; do printf '    "nats-route://route:%s@%s"\n' "$password" "$route"; done)
  ]
}
CONF
