#!/usr/bin/env bash
# Brings the stack up, waits until all of it is healthy, prints the addresses.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
"$here/prepare.sh"
source "$here/compose.sh"

services=(nats listener power prometheus alertmanager grafana)
if is_demo; then
  services=(nats redis sim-dsp sim-console listener power prometheus alertmanager grafana)
else
  # Left over from the demo.
  every rm -sf redis sim-dsp sim-console >/dev/null 2>&1 || true
fi
build=(); [ -n "${NO_BUILD:-}" ] && build=(--no-build)
compose up -d "${build[@]}" "${services[@]}"
wait_healthy "${services[@]}"

bind=$(setting BIND)
port() { local value; value=$(setting "$1"); echo "http://${bind:-127.0.0.1}:${value:-$2}"; }
cat <<TEXT
Grafana     $(port GRAFANA_PORT 3000)   user admin, password in secrets/grafana-admin
Prometheus  $(port PROMETHEUS_PORT 9090)
Power       $(port POWER_PORT 9102)/status
TEXT
if is_demo; then
  cat <<TEXT
This is the demo: no gateway is configured yet. For the real one fill in three lines of .env
(DSP_URL, GPU_PROVIDER_ID, GPU_PRICE_PER_HOUR) and run \`make up\` again.
TEXT
fi
