#!/usr/bin/env bash
# Three nats-servers, two listeners and a standby power on one host (docs/cluster.md): the power that acts is killed in
# the middle of a start, then a nats-server. Run in the copy of the stack by run.sh, when nothing of it is up.
set -euo pipefail
fail() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }
export COMPOSE_FILE=docker-compose.yml:deploy/cluster/docker-compose.yml
project=${COMPOSE_PROJECT_NAME:?}
log=$(mktemp)
trap 'rm -f "$log"' EXIT
quietly() { "$@" >"$log" 2>&1 || { cat "$log" >&2; fail "$*"; }; }
make() { command make --no-print-directory "$@"; }
kill_container() { docker kill -s KILL "$(docker ps -q --filter "label=com.docker.compose.project=$project" --filter "label=com.docker.compose.service=$1")" >/dev/null; }
milliseconds() { echo $(($(date +%s%N) / 1000000)); }
until_true() { # words, command …
  local words=$1 deadline=$((SECONDS + 90)); shift
  until "$@"; do [ $SECONDS -lt $deadline ] || fail "waited in vain for: $words"; sleep 0.2; done
}
# What a service says, whole: a pipe that is closed early would make curl fail.
says() { local text; text=$(curl -fsS -H "Authorization: Bearer $(cat secrets/viewer-token 2>/dev/null)" "$1" 2>/dev/null) && grep -qE -- "$2" <<<"$text"; }
console=http://127.0.0.1:18082/state
runs() { says $console '"State":"Running"'; }
is_off() { says $console '"machines"' && ! is_on; }
is_on() { says $console '"State":"(Running|Starting|Initializing|Stopping)"'; }
starts() { curl -fsS $console | { grep -oE '"verb":"start"[^}]*"outcome":"accepted"' || true; } | wc -l; }
leads() { says "http://127.0.0.1:$1/metrics" '^gpu_power_leader\{.*\} 1$'; }
submit() {
  curl -fsS -X POST -H 'content-type: application/json' \
    -d "{\"type\":\"gpu.job.submit\",\"key\":\"$1\",\"taskType\":\"heygem_submit\",\"requestId\":\"$1\"}" http://127.0.0.1:18072/jobs >/dev/null
}

quietly make up
# They come up at the same time, so either may be the first.
some_power_acts() { if leads 9102; then acting=power port=9102 other=9103; elif leads 9103; then acting=power-standby port=9103 other=9102; else return 1; fi; }
until_true "a power acts" some_power_acts
! leads $other || fail "two powers act"
until_true "the other power stands by" says "http://127.0.0.1:$other/readyz" "Standing by"
until_true "power sees the machine off" says "http://127.0.0.1:$port/api/v1/status" '"state":"stopped"'
before=$(starts)
if [ "$(id -u)" -eq 0 ]; then "${PROJECT_ROOT:?}/node_modules/.bin/node" "$PROJECT_ROOT/tests/compose/pairs.ts" | tail -n 1; fi

submit cluster-1
until_true "the start is under way" is_on
kill_container $acting
began=$(milliseconds)
until_true "the standby acts" leads $other
took=$(($(milliseconds) - began))
[ $took -le 15000 ] || fail "the standby took over after $took ms only"
until_true "the machine has run and idles out" is_off
[ $(($(starts) - before)) -eq 1 ] || fail "$(($(starts) - before)) starts for one job"
echo "  ok   the acting power killed: the standby acts after $took ms, one start"

kill_container nats-2
submit cluster-2
until_true "with two of three nats-servers the machine runs" runs
until_true "it idles out" is_off
[ $(($(starts) - before)) -eq 2 ] || fail "$(($(starts) - before)) starts for two jobs"
quietly make up
echo "  ok   one of three nats-servers killed: the next job has its machine, one start"
