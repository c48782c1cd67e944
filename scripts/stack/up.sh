#!/usr/bin/env bash
# Brings the stack up, waits until all of it is healthy and works, prints the addresses.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
"$here/prepare.sh"
source "$here/compose.sh"

mapfile -t services < <(here_of "${nats_services[@]}" listener "${power_services[@]}" prometheus alertmanager "${messenger_services[@]}" grafana)
if is_demo; then
  services=("${demo_services[@]}" "${services[@]}")
else
  # Left over from the demo.
  every rm -sf "${demo_services[@]}" >/dev/null 2>&1 || true
fi
# Nobody is left for whom it spoke.
[ ${#messenger_services[@]} -gt 0 ] || every rm -sf messenger >/dev/null 2>&1 || true
# The listener's image also works for the scripts, wherever it runs.
[ -n "${NO_BUILD:-}" ] || "$here/take-images.sh" missing listener "${services[@]}"
"$here/neighbours.sh"
# They read these only when they start.
rendered=$("$here/alertmanager.sh")
mapfile -t stale < <([ -z "$rendered" ] || here_of $rendered)
[ -z "$("$here/logins.sh")" ] || stale+=(grafana)
[ ${#stale[@]} -eq 0 ] || every rm -sf "${stale[@]}" >/dev/null 2>&1
mapfile -t nats_here < <(here_of "${nats_services[@]}")
if [ ${#nats_here[@]} -gt 0 ]; then
  compose up -d --no-build "${nats_here[@]}"
  wait_healthy "${nats_here[@]}"
fi
if is_cluster_host; then
  # Certificates that were renewed, other hosts to scrape: these two read their files anew when they are told to.
  files=$(cat secrets/tls/*.pem .stack/prometheus.yml | sha256sum)
  if [ -e .stack/read ] && [ "$files" != "$(<.stack/read)" ]; then
    for id in $(running_of nats) $(running_of prometheus); do docker kill -s HUP "$id" >/dev/null; done
  fi
  echo "$files" >.stack/read
fi
waiting=()
# Before the services, which may not make them. Those of a version before have theirs, and made them by themselves.
if [ ! -s "$pins" ]; then "$here/setup-nats.sh" || waiting+=("NATS (\`make setup-nats\` says why)"); fi
compose up -d --no-build "${services[@]}"
wait_healthy "${services[@]}"
# Of versions in which everything was on one network.
docker network rm "${COMPOSE_PROJECT_NAME}_stack" >/dev/null 2>&1 || true

if [ -s "$pins" ]; then say "The version of before the last upgrade runs; \`make upgrade\` takes the newer one."; else note_commit; fi

for service in $(here_of listener); do wait_ready "$service" 9101 60 || waiting+=("$service"); done
for service in $(here_of "${power_services[@]}"); do wait_ready "$service" 9102 60 || waiting+=("$service"); done

bind=$(setting BIND)
port() { local value; value=$(setting "$1"); echo "http://${bind:-127.0.0.1}:${value:-$2}"; }
cat <<TEXT
Grafana       $(port GRAFANA_PORT 3000)   user admin, password in secrets/grafana-admin
Prometheus    $(port PROMETHEUS_PORT 9090)   user admin, password in secrets/prometheus-admin
Power         $(port POWER_PORT 9102)   asked by \`make status\`, with the token in secrets/operator-token
TEXT
if is_demo; then
  cat <<TEXT
This is the demo: no gateway is configured yet. For the real one fill in three lines of .env
(DSP_URL, GPU_PROVIDER_ID, GPU_PRICE_PER_HOUR) and run \`make up\` again.
TEXT
fi
if [ ${#waiting[@]} -gt 0 ]; then
  say "The stack is up, but ${waiting[*]} cannot work yet: what it waits for is said above; docs/operating.md says what to do."
  # The demo has all that it needs, so there this is a fault.
  ! is_demo || exit 1
fi
