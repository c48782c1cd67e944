#!/usr/bin/env bash
# What an attacker would meet: asked of the daemon and inside of each container of the running stack.
set -euo pipefail
bad=0
held=0
check() { # words, expected, found
  if [ "$2" = "$3" ]; then held=$((held + 1)); else echo "  BAD  $name: $1: expected \"$2\", found \"$3\""; bad=1; fi
}
project=${COMPOSE_PROJECT_NAME:?}
for id in $(docker ps -q --filter "label=com.docker.compose.project=$project"); do
  inspection=$(docker inspect "$id")
  of() { docker inspect -f "{{$1}}" "$id"; }
  name=$(of 'index .Config.Labels "com.docker.compose.service"')
  held=0
  check "root file system is read-only" true "$(of .HostConfig.ReadonlyRootfs)"
  check "all capabilities are dropped" "[ALL]" "$(of .HostConfig.CapDrop)"
  check "it restarts unless stopped" unless-stopped "$(of .HostConfig.RestartPolicy.Name)"
  check "its log is rotated" 10m "$(of 'index .HostConfig.LogConfig.Config "max-size"')"
  # Of the service itself: the process under init.
  pid=$(docker exec "$id" sh -c 'cat /proc/1/task/1/children' | cut -d' ' -f1)
  status=$(docker exec "$id" cat "/proc/$pid/status")
  field() { awk -v key="$1:" '$1 == key {print $2}' <<<"$status"; }
  check "its effective user is not root" no "$([ "$(field Uid)" = 0 ] && echo yes || echo no)"
  check "it has no effective capability" 0000000000000000 "$(field CapEff)"
  check "it can gain none" 1 "$(field NoNewPrivs)"
  check "seccomp filters its calls" 2 "$(field Seccomp)"
  check "its root cannot be written" refused "$(docker exec "$id" sh -c 'touch /probe 2>/dev/null' && echo written || echo refused)"
  check "it has a memory limit" yes "$([ "$(of .HostConfig.Memory)" -gt 0 ] && echo yes)"
  check "it has a process limit" yes "$([ "$(of .HostConfig.PidsLimit)" -gt 0 ] && echo yes)"
  check "it publishes on 127.0.0.1 only" "" \
    "$(of 'range .NetworkSettings.Ports}}{{range .}}{{.HostIp}} {{end}}{{end' | tr ' ' '\n' | grep -vx 127.0.0.1 | tr -d '\n')"
  history=$(docker history --no-trunc "$(of .Image)")
  for file in secrets/nats-listener secrets/nats-power secrets/session-key secrets/grafana-admin secrets/prometheus-admin secrets/alertmanager-admin; do
    check "$file is not in its inspection" 0 "$(grep -cF -- "$(<"$file")" <<<"$inspection" || true)"
    check "$file is not in its image's history" 0 "$(grep -cF -- "$(<"$file")" <<<"$history" || true)"
  done
  if [ "$name" = power ]; then
    arguments=$(docker exec "$id" sh -c 'cat /proc/[0-9]*/cmdline 2>/dev/null' | tr '\0' ' ')
    check "Chromium runs" yes "$(grep -q type=renderer <<<"$arguments" && echo yes)"
    check "Chromium's sandbox is on" "" "$(grep -o -- '--no-sandbox' <<<"$arguments" | head -n 1)"
  fi
  echo "  ok   $name: $held checks held"
done
name=stack
published=$(docker ps --filter "label=com.docker.compose.project=$project" --format '{{.Ports}}' | grep -oE '[0-9.]+:[0-9]+->' | tr -d '>' | sort -u | tr '\n' ' ')
check "only documented ports are published" "127.0.0.1:18072- 127.0.0.1:18082- 127.0.0.1:3000- 127.0.0.1:9090- 127.0.0.1:9102- " "$published"
exit $bad
