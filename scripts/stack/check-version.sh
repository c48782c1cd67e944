#!/usr/bin/env bash
# Asks the new version of each service whether it can work with the configuration that is here; nothing is replaced.
# Fails with what it says.
set -euo pipefail
export UNPINNED=1
here=$(dirname "$(readlink -f "$0")")
source "$here/compose.sh"
quiet=.stack/no-log.yml
files=${COMPOSE_FILE:-$(setting COMPOSE_FILE)}
if [ -z "$files" ]; then
  files=docker-compose.yml
  [ ! -e docker-compose.override.yml ] || files+=:docker-compose.override.yml
fi
trap 'rm -f "$quiet"' EXIT
mkdir -p -m 700 .stack
ask() { # service, what it is, words of a run
  local service=$1 what=$2 out; shift 2
  runs_here "$service" || return 0
  # As the service itself runs, but without a log: what it says goes to whoever asks.
  printf 'services:\n  %s: { logging: { driver: none } }\n' "$service" >"$quiet"
  out=$(COMPOSE_FILE=$files:$quiet compose run --rm --no-deps -T "$@" 2>&1) ||
    fail "The new $service cannot use $what:" "$out"
}
ask nats "its configuration" nats --config /etc/nats/nats.conf -t
ask listener "the settings in .env" listener node services/listener/src/main.ts --check
ask power "the settings in .env, the pool file or the profile" power node services/power/src/main.ts --check
ask prometheus "prometheus/" --entrypoint promtool prometheus check config /etc/prometheus/prometheus.yml
