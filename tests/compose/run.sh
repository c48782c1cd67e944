#!/usr/bin/env bash
# The real stack in containers, on stand-in base images (see bases.sh): main job, hardening, restarts, kills,
# backup, air gap, the switch from the demo to a real gateway, the cluster, full disks. Exits 0 when all of it held.
# KEEP=1 leaves the stack and the stand-in images there.
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD

say() { printf '\033[1m%s\033[0m (after %d s)\n' "$*" "$SECONDS"; }
fail() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }

if ! command -v docker >/dev/null || ! command -v dockerd >/dev/null || ! command -v debootstrap >/dev/null || ! command -v curl >/dev/null \
  || ! { docker compose version || command -v docker-compose; } >/dev/null 2>&1; then
  [ "$(id -u)" -eq 0 ] || fail "Docker, compose or debootstrap is missing: apt-get install docker.io docker-compose debootstrap"
  say "Installing Docker, compose and debootstrap (once; a minute or two)"
  log=$(mktemp)
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    docker.io docker-compose debootstrap iptables iproute2 curl; } </dev/null >"$log" 2>&1 || { cat "$log" >&2; fail "apt-get failed; see above."; }
  rm -f "$log"
fi

# A daemon of our own, where none runs: only that one is restarted and ended here.
work=$(mktemp -d)
start_daemon() {
  dockerd >>"$work/dockerd.log" 2>&1 &
  DOCKERD_PID=$!
  for _ in $(seq 120); do ! docker info >/dev/null 2>&1 || return 0; sleep 0.5; done
  tail -20 "$work/dockerd.log" >&2
  fail "dockerd does not start; its last lines are above."
}
stop_daemon() { kill "$DOCKERD_PID"; wait "$DOCKERD_PID" || true; }
DOCKERD_PID= disks=
if ! docker info >/dev/null 2>&1; then
  [ "$(id -u)" -eq 0 ] || fail "The Docker daemon does not run and only root may start it."
  start_daemon
fi

# A person's own choice of files is not what is tested.
unset COMPOSE_FILE
export COMPOSE_PROJECT_NAME=gpu-power-test VERSION=test NO_BUILD=1 DEMO_JOB_EVERY_MS=0
containers() { docker ps -aq --filter "label=com.docker.compose.project=$COMPOSE_PROJECT_NAME"; }
clean() {
  containers | xargs -r docker rm -fv >/dev/null
  docker volume ls -q --filter "name=^${COMPOSE_PROJECT_NAME}_" | xargs -r docker volume rm >/dev/null
  docker network ls -q --filter "name=^${COMPOSE_PROJECT_NAME}_" | xargs -r docker network rm >/dev/null
}
finish() {
  local code=$?
  trap - EXIT
  if [ -n "$disks" ]; then
    kill "$disks" 2>/dev/null || true
    wait "$disks" || true
    cat "$work/full-disks.log"
  fi
  if [ $code -ne 0 ]; then
    docker ps -a --filter "label=com.docker.compose.project=$COMPOSE_PROJECT_NAME" --format '{{.Names}} {{.Status}}' || true
    for id in $(containers); do echo "== $(docker inspect -f '{{.Name}}' "$id")"; docker logs --tail 12 "$id" 2>&1 || true; done
  fi
  if [ -z "${KEEP:-}" ]; then
    clean
    # A developer's machine must not take a stand-in for the real image later on.
    docker images -q --filter label=gpu-power-manager.stand-in=true --filter dangling=false | sort -u | xargs -r docker rmi -f >/dev/null 2>&1 || true
  fi
  [ -z "$DOCKERD_PID" ] || stop_daemon
  rm -rf "$work"
  [ $code -eq 0 ] && say "All of it held" || say "It failed (exit $code); the lines above say where"
  exit $code
}
trap finish EXIT
# Ended by a signal the last command may have succeeded; that is no success.
trap 'exit 130' INT
trap 'exit 143' TERM
clean

say "Stand-ins of the base images (Grafana's is a static file)"
tests/compose/bases.sh
# A copy, so that a person's .env, secrets and volumes are never touched.
mkdir "$work/stack"
git ls-files -z | tar --null -T - -c | tar -x -C "$work/stack"
cd "$work/stack"
# The same stories in less time: a machine that has been idle is stopped sooner.
sed -i -e 's/idleTimeout: .*/idleTimeout: 6s/' -e 's/minRunTime: .*/minRunTime: 2s/' deploy/demo/pool.yaml

say "The images"
mkdir secrets
echo canary-of-a-secret | tee .env >secrets/canary
cp .env services/power/src/.env
for image in nats:deploy/nats listener:services/listener power:services/power sim:sim; do
  name=gpu-power-manager/${image%%:*}:test
  docker build -q --network host --build-arg VERSION=test -f "${image#*:}/Dockerfile" -t "$name" . >/dev/null 2>"$work/build.log" \
    || { cat "$work/build.log" >&2; fail "$name cannot be built."; }
  echo "  $name, $(($(docker image inspect -f '{{.Size}}' "$name") / 1000000)) MB"
  # The second word is in each of them: that it is found proves that the search sees into the layers.
  found=$(docker save "$name" | grep -aoE 'canary-of-a-secret|server_name: .NATS_NAME|"name": "gpu-power-manager"' | sort -u || true)
  [ -n "$found" ] && ! grep -q canary <<<"$found" || fail "$name holds what lay in .env or secrets/, or cannot be searched."
done
echo "  ok   what lies in .env and secrets/ is in no layer"
rm -r .env secrets services/power/src/.env
size() { docker image inspect -f '{{.Size}}' "$1"; }
added=$((($(size gpu-power-manager/listener:test) - $(size node:24-bookworm-slim)) / 1000000))
[ "$added" -le 30 ] || fail "The listener adds $added MB to Node's image; the real one has about 230 MB, and 260 MB is the limit."
echo "  the listener adds $added MB to Node's image"

say "The compose file"
for command in "docker compose" docker-compose; do
  $command version >/dev/null 2>&1 || continue
  out=$($command -f docker-compose.yml --profile demo config 2>&1 >/dev/null) || fail "$command config: $out"
  [ -z "$out" ] || fail "$command config complains: $out"
  for override in docker-compose host; do
    out=$(CLUSTER_BIND=10.0.0.1 NATS_NAME=nats-1 NATS_URL=tls://10.0.0.1:4222 \
      $command -f docker-compose.yml -f deploy/cluster/$override.yml --profile demo config 2>&1 >/dev/null) || fail "$command config: $out"
    [ -z "$out" ] || fail "$command config of deploy/cluster/$override.yml complains: $out"
  done
  echo "  ok   $command config is clean, with the overrides of a cluster too"
done

say "make up"
began=$SECONDS
make --no-print-directory up
echo "  up, healthy and ready after $((SECONDS - began)) s"

say "Hardening"
"$root/tests/compose/hardening.sh"
if [ "$(id -u)" -eq 0 ]; then "$root/tests/compose/neighbour.sh"; fi
node() { "$root/node_modules/.bin/node" "$@"; }
say "Who can talk to whom"
# Only root can make an outside to be reached or not.
if [ "$(id -u)" -eq 0 ]; then node "$root/tests/compose/pairs.ts"; fi
say "The main job, and restarts and kills in the middle of others"
# Beside it, because both mostly wait. Not beside what restarts the daemon or gives images other names.
ROOT=$root "$root/tests/compose/full-disks.sh" >"$work/full-disks.log" 2>&1 &
disks=$!
"$root/tests/compose/hands.sh"
node "$root/tests/compose/story.ts" jobs
say "A full disk under each service (it ran beside)"
wait "$disks" || fail "A full disk; see below."
disks=
cat "$work/full-disks.log"
if [ -n "$DOCKERD_PID" ]; then
  say "The host's daemon restarts"
  node "$root/tests/compose/story.ts" before-daemon
  stop_daemon
  start_daemon
  node "$root/tests/compose/story.ts" after-daemon
else
  say "The daemon is not ours, so it is not restarted (other people's containers may run on it)."
fi
say "Backup and restore"
ROOT=$root "$root/tests/compose/backup.sh"
if [ "$(id -u)" -eq 0 ]; then
  say "A host of a cluster, restored from the single server"
  ROOT=$root "$root/tests/compose/hosts.sh"
fi
say "Upgrades, and back"
"$root/tests/compose/upgrade.sh"
say "Images by file, the switch to a real gateway"
"$root/tests/compose/upkeep.sh"
say "Three nats-servers, two listeners and a standby power"
clean
PROJECT_ROOT=$root "$root/tests/compose/cluster.sh"
for id in $(containers); do
  ! docker logs "$id" 2>&1 | grep -i "permissions violation" || fail "NATS refused a service something it needs; see above."
done
