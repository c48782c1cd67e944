#!/usr/bin/env bash
# The real stack in containers, on stand-in base images (see bases.sh): main job, restarts, hardening.
# Exits 0 when all of it held. KEEP=1 leaves the stack up.
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD

say() { printf '\033[1m%s\033[0m\n' "$*"; }
fail() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }

if ! command -v dockerd >/dev/null || ! { docker compose version || command -v docker-compose; } >/dev/null 2>&1 \
  || ! command -v debootstrap >/dev/null; then
  [ "$(id -u)" -eq 0 ] || fail "Docker, compose or debootstrap is missing: apt-get install docker.io docker-compose debootstrap"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends docker.io docker-compose debootstrap iptables >/dev/null
fi
dockerd_pid=
if ! docker info >/dev/null 2>&1; then
  [ "$(id -u)" -eq 0 ] || fail "The Docker daemon does not run and only root may start it."
  dockerd >/tmp/gpu-power-dockerd.log 2>&1 &
  dockerd_pid=$!
  for _ in $(seq 60); do docker info >/dev/null 2>&1 && break; sleep 0.5; done
  docker info >/dev/null 2>&1 || fail "dockerd does not start: see /tmp/gpu-power-dockerd.log"
fi

say "Stand-ins of the base images (Grafana's is a static file; Debian's NATS leaves out sync_interval)"
tests/compose/bases.sh
say "The images"
build() { docker build -q --network host -f "$1" -t "$2" . >/dev/null; docker image inspect -f "$2 {{.Size}} bytes" "$2"; }
build deploy/nats/Dockerfile gpu-power-manager/nats:dev
build services/listener/Dockerfile gpu-power-manager/listener:dev
build services/power/Dockerfile gpu-power-manager/power:dev
build sim/Dockerfile gpu-power-manager/sim:dev

# A copy, so that a person's .env, secrets and volumes are never touched.
work=$(mktemp -d)
git ls-files -z | tar --null -T - -c | tar -x -C "$work"
cd "$work"
export COMPOSE_PROJECT_NAME=gpu-power-test NO_BUILD=1
finish() {
  local code=$?
  if [ $code -ne 0 ]; then make --no-print-directory ps || true; for c in listener power nats; do docker logs --tail 15 "$(id_of $c)" || true; done; fi
  [ -n "${KEEP:-}" ] || { (source scripts/stack/compose.sh; every down -v >/dev/null 2>&1) || true; cd /; rm -rf "$work"; }
  [ -z "$dockerd_pid" ] || kill "$dockerd_pid"
  exit $code
}
trap finish EXIT
id_of() { docker ps -aq --filter "label=com.docker.compose.project=$COMPOSE_PROJECT_NAME" --filter "label=com.docker.compose.service=$1" | head -n 1; }

say "make up"
SECONDS=0
make --no-print-directory up
echo "up and healthy after $SECONDS s"

"$root/tests/compose/hardening.sh"
node=$root/node_modules/node/bin/node
"$node" "$root/tests/compose/story.ts"
say "All of it held."
