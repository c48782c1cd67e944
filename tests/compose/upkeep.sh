#!/usr/bin/env bash
# What an operator does by the Makefile in the life of an installation; run in the copy of the stack by run.sh.
set -euo pipefail
fail() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }
quietly() { "$@" >"$log" 2>&1 || { cat "$log" >&2; fail "$*"; }; }
log=$(mktemp)
trap 'rm -f "$log"' EXIT
make() { command make --no-print-directory "$@"; }
project=${COMPOSE_PROJECT_NAME:?}
power=http://127.0.0.1:9102
value() { curl -fsS "$power/metrics" 2>/dev/null | awk -v name="$1" 'index($0, name) == 1 && !found++ {print $2}'; }

# The session that power itself has saved stands for one that was made elsewhere.
state() { docker run --rm -i --user 0:0 -v "${project}_power:/p" --workdir /p/demo redis:7-alpine "$@"; }
state cat console-session.enc >session.enc
(head -c 60 session.enc; printf 'X'; tail -c +62 session.enc) >other.enc
before=$(docker ps -q --no-trunc --filter "label=com.docker.compose.project=$project" --filter "label=com.docker.compose.service=power" | xargs docker inspect -f '{{.State.StartedAt}}')
! make login-import FILE=other.enc >"$log" 2>&1 || fail "a session that cannot be read was taken"
grep -q "cannot be read with this server's secrets/session-key" "$log" || { cat "$log" >&2; fail "it is not told why"; }
[ "$(docker ps -q --no-trunc --filter "label=com.docker.compose.project=$project" --filter "label=com.docker.compose.service=power" | xargs docker inspect -f '{{.State.StartedAt}}')" = "$before" ] \
  || fail "power was stopped for a session that it cannot use"
quietly make login-import FILE=session.enc
state test -s console-session.enc.before || fail "the session before is not kept"
rm session.enc other.enc
echo "  ok   make login-import: beside, checked, and power goes on with the one it has when it cannot be read"

quietly make images-save FILE="$PWD/images.tar"
docker image tag gpu-power-manager/sim:test kept-aside:test
docker rmi gpu-power-manager/sim:test >/dev/null
quietly make images-load FILE="$PWD/images.tar"
docker image inspect gpu-power-manager/sim:test >/dev/null || fail "an image did not come back"
docker rmi kept-aside:test >/dev/null
rm images.tar
echo "  ok   make images-save and images-load"

# A gateway and a console that are no part of the stack, as the real ones are none.
outside() { # name, the network by which it is reached, further words of docker run
  local name=$1 network=$2; shift 2
  docker run -d --name "$project-$name" --network-alias "$name" --network "${project}_$network" \
    --label "com.docker.compose.project=$project" "$@" >/dev/null
}
outside far-redis gateway library/redis:7-alpine redis-server --save "" --protected-mode no --dir /tmp
outside far-gateway gateway -e REDIS_URL=redis://far-redis:6379 -e PORT=18070 -e CONTROL_PORT=18072 -p 127.0.0.1:28072:18072 \
  gpu-power-manager/sim:test node sim/dsp/src/main.ts
outside far-console console -e CONSOLE_PORT=18080 -e API_PORT=18081 -e CONTROL_PORT=18082 -e CONSOLE_URL=http://far-console:18080 \
  -e API_URL=http://far-console:18081 -e BOOT_MS=2000 -p 127.0.0.1:28082:18082 \
  gpu-power-manager/sim:test node sim/console/src/main.ts
sed 's#sim-console#far-console#' config/demo/profiles/demo.yaml >profiles/far.yaml
set_line() { sed -i "s#^$1=.*#$1=$2#" .env; }
set_line DSP_URL ws://far-gateway:18070/dsp
set_line GPU_PRICE_PER_HOUR cheap
! make up >"$log" 2>&1 || fail "make up took a gateway without a machine"
grep -q "GPU_PROVIDER_ID in .env" "$log" && grep -q "GPU_PRICE_PER_HOUR in .env" "$log" || fail "it does not name all that is missing: $(<"$log")"
echo "  ok   half a configuration is refused, with all that is missing"
set_line GPU_PROVIDER_ID uhost-1qr8k2vt0a7m
set_line GPU_PRICE_PER_HOUR 1.88
set_line PROFILE far
set_line CONSOLE_USER operator
printf only-for-the-stand-in >secrets/console-password
printf redis://far-redis:6379 >secrets/dsp-redis-url
quietly make up
! grep -q "cannot work yet" "$log" || fail "it is not ready for the real one: $(<"$log")"
[ -z "$(docker ps -q --filter "label=com.docker.compose.project=$project" --filter "label=com.docker.compose.service=sim-dsp")" ] \
  || fail "the demo's gateway still runs"
[ "$(value 'gpu_power_uptime_seconds_total{')" = 0 ] || fail "the demo's uptime is counted as real"
curl -fsS -X POST -H 'content-type: application/json' -d '{"type":"url"}' http://127.0.0.1:28072/jobs >/dev/null
for _ in $(seq 120); do
  ! curl -fsS http://127.0.0.1:28082/state | grep -q '"Running"' || { echo "  ok   the switch: a job of the far gateway starts the far machine"; break; }
  sleep 0.5
done
curl -fsS http://127.0.0.1:28082/state | grep -q '"Running"' || fail "a job of the far gateway started nothing"
echo "# mine" >>config/pool.yaml; printf mine >secrets/dsp-redis-url
set_line DSP_URL ""
quietly make up
grep -q "# mine" config/pool.yaml && [ "$(<secrets/dsp-redis-url)" = mine ] || fail "going back to the demo lost what a person wrote"
echo "  ok   back to the demo: pool file and secrets are as they were"
