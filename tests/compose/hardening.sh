#!/usr/bin/env bash
# What an attacker would meet: asked of the daemon and inside of each container of the running stack.
set -euo pipefail
bad=0
check() { # words, expected, found
  if [ "$2" = "$3" ]; then echo "  ok   $1"; else echo "  BAD  $1: expected \"$2\", found \"$3\""; bad=1; fi
}
project=${COMPOSE_PROJECT_NAME:?}
for id in $(docker ps -q --filter "label=com.docker.compose.project=$project"); do
  name=$(docker inspect -f '{{index .Config.Labels "com.docker.compose.service"}}' "$id")
  echo "$name"
  check "root file system is read-only" true "$(docker inspect -f '{{.HostConfig.ReadonlyRootfs}}' "$id")"
  check "all capabilities are dropped" "[ALL]" "$(docker inspect -f '{{.HostConfig.CapDrop}}' "$id")"
  check "restarts unless stopped" unless-stopped "$(docker inspect -f '{{.HostConfig.RestartPolicy.Name}}' "$id")"
  # Of the service itself: the process under init.
  pid=$(docker exec "$id" sh -c 'cat /proc/1/task/1/children' | cut -d' ' -f1)
  status=$(docker exec "$id" cat "/proc/$pid/status")
  field() { awk -v key="$1:" '$1 == key {print $2}' <<<"$status"; }
  check "its effective user is not root" no "$([ "$(field Uid)" = 0 ] && echo yes || echo no)"
  check "it has no effective capability" 0000000000000000 "$(field CapEff)"
  check "it can gain none" 1 "$(field NoNewPrivs)"
  check "seccomp filters its calls" 2 "$(field Seccomp)"
  check "its root cannot be written" refused "$(docker exec "$id" sh -c 'touch /probe 2>/dev/null' && echo written || echo refused)"
  read -r memory pids <<<"$(docker inspect -f '{{.HostConfig.Memory}} {{.HostConfig.PidsLimit}}' "$id")"
  check "it has a memory and a process limit" yes "$([ "$memory" -gt 0 ] && [ "$pids" -gt 0 ] && echo yes || echo no)"
  check "it publishes on 127.0.0.1 only" "" \
    "$(docker inspect -f '{{range .NetworkSettings.Ports}}{{range .}}{{.HostIp}} {{end}}{{end}}' "$id" | tr ' ' '\n' | grep -vx 127.0.0.1 | tr -d '\n')"
  for file in secrets/nats-listener secrets/nats-power secrets/session-key secrets/grafana-admin; do
    check "$(basename "$file") is not in its inspection" 0 "$(docker inspect "$id" | grep -cF -- "$(<"$file")" || true)"
    check "$(basename "$file") is not in its image's history" 0 \
      "$(docker history --no-trunc "$(docker inspect -f '{{.Image}}' "$id")" | grep -cF -- "$(<"$file")" || true)"
  done
done
published=$(docker ps --filter "label=com.docker.compose.project=$project" --format '{{.Ports}}' | grep -oE '[0-9.]+:[0-9]+->' | tr -d '>' | sort -u | tr '\n' ' ')
check "only documented ports are published" "127.0.0.1:18072- 127.0.0.1:18082- 127.0.0.1:3000- 127.0.0.1:9090- 127.0.0.1:9093- 127.0.0.1:9102- " "$published"
exit $bad
