#!/usr/bin/env bash
# A full disk under each service (full-disks.ts), on an installation of its own: another folder, name and other ports, so
# that it runs beside the other parts. Run by run.sh, in the copy of the stack.
set -euo pipefail
export COMPOSE_PROJECT_NAME=gpm-disks COMPOSE_FILE=docker-compose.yml:tests/compose/small-volumes.yml
export SERVICES="nats listener power prometheus alertmanager"
export POWER_PORT=29102 PROMETHEUS_PORT=29090 SIM_DSP_PORT=27072 SIM_CONSOLE_PORT=27082
place=$(mktemp -d) test=
clean() {
  docker ps -aq --filter "label=com.docker.compose.project=$COMPOSE_PROJECT_NAME" | xargs -r docker rm -fv >/dev/null
  docker volume ls -q --filter "name=^${COMPOSE_PROJECT_NAME}_" | xargs -r docker volume rm >/dev/null
  docker network ls -q --filter "name=^${COMPOSE_PROJECT_NAME}_" | xargs -r docker network rm >/dev/null
}
leave() {
  local code=$?
  [ -z "$test" ] || kill "$test" 2>/dev/null || true
  if [ $code -ne 0 ]; then
    for id in $(docker ps -aq --filter "label=com.docker.compose.project=$COMPOSE_PROJECT_NAME"); do
      echo "== $(docker inspect -f '{{.Name}} {{.State.Status}}' "$id")"
      docker logs --tail 12 "$id" 2>&1 || true
    done
  fi
  clean
  rm -rf "$place"
}
trap leave EXIT
clean
git -C "${ROOT:?}" ls-files -z | (cd "$ROOT" && tar --null -T - -c) | tar -x -C "$place"
# With the machine that is stopped sooner.
cp deploy/demo/pool.yaml "$place/deploy/demo/"
cd "$place"
# In the background, so that this script hears when it is to end.
"$ROOT/node_modules/.bin/node" "$ROOT/tests/compose/full-disks.ts" &
test=$!
wait $test
test=
