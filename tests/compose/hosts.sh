#!/usr/bin/env bash
# A host of a cluster by deploy/cluster/host.yml: the newest backup of the single server is restored on it. The other two
# hosts are nats-servers on addresses of their own, because containers of several projects cannot reach each other.
# Run in the copy of the stack by run.sh; needs root, for the addresses.
set -euo pipefail
fail() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }
log=$(mktemp)
quietly() { "$@" >"$log" 2>&1 || { cat "$log" >&2; fail "$*"; }; }
make() { command make --no-print-directory "$@"; }
ROOT=${ROOT:?}
project=gpm-host
place=$(mktemp -d)
backup=$(readlink -f "$(ls -t backups/*.tar | head -n 1)")
uptime=$(<uptime-at-backup)
others=()
leave() {
  [ ${#others[@]} -eq 0 ] || kill "${others[@]}" 2>/dev/null || true
  docker ps -aq --filter "label=com.docker.compose.project=$project" | xargs -r docker rm -fv >/dev/null
  docker volume ls -q --filter "name=^${project}_" | xargs -r docker volume rm >/dev/null
  docker network ls -q --filter "name=^${project}_" | xargs -r docker network rm >/dev/null
  ip link del gpm-hosts 2>/dev/null || true
  rm -rf "$log" "$place"
}
trap leave EXIT
value() { curl -fsS "http://127.0.0.1:22102/metrics" 2>/dev/null | awk -v name="$1" 'index($0, name) == 1 && !found++ {print $2}'; }
until_true() { # words, command …
  local words=$1 deadline=$((SECONDS + 120)); shift
  until "$@"; do [ $SECONDS -lt $deadline ] || fail "waited in vain for: $words"; sleep 0.2; done
}

# No cable leads to it: its addresses are this machine's own.
ip link add gpm-hosts type bridge
for host in 1 2 3; do ip addr add "198.51.100.$((host * 16))/32" dev gpm-hosts; done
ip link set gpm-hosts up
git -C "$ROOT" ls-files -z | (cd "$ROOT" && tar --null -T - -c) | tar -x -C "$place"
cp deploy/demo/pool.yaml "$place/deploy/demo/"
cd "$place"
unset COMPOSE_PROJECT_NAME
cat >.env <<ENV
COMPOSE_PROJECT_NAME=$project
COMPOSE_FILE=docker-compose.yml:deploy/cluster/host.yml
NATS_NAME=nats-1
CLUSTER_BIND=198.51.100.16
NATS_ROUTES=198.51.100.16:6222 198.51.100.32:6222 198.51.100.48:6222
NATS_URL=tls://198.51.100.16:4222,tls://198.51.100.32:4222,tls://198.51.100.48:4222
SERVICES=nats listener power
POWER_PORT=22102
SIM_DSP_PORT=22072
SIM_CONSOLE_PORT=22082
VERSION=$VERSION
ENV
! make up >"$log" 2>&1 || fail "it comes up without certificates"
grep -q "make cluster-certs" "$log" || { cat "$log" >&2; fail "it does not say what is missing"; }
quietly make cluster-certs
quietly scripts/stack/prepare.sh
server=$("$ROOT/scripts/nats-server.sh")
for host in 2 3; do
  address=198.51.100.$((host * 16))
  mkdir -p "other-$host/data"
  for file in passwords setup cluster; do
    sed -e "s#/run/tls#$place/secrets/cluster-hosts/$address#g; s#0.0.0.0:6222#$address:6222#" "secrets/nats-$file.conf" >"other-$host/nats-$file.conf"
  done
  sed -e "s#../../run/secrets/##; s#port: 4222#listen: \"$address:4222\"#; s#127.0.0.1:8222#$address:8222#; s#\"/data\"#\"$place/other-$host/data\"#" \
    deploy/nats/nats.conf >"other-$host/nats.conf"
  "$server" --version | grep -q 'v2\.[0-9]\.' && sed -i /sync_interval/d "other-$host/nats.conf"
  NATS_NAME=nats-$host "$server" --config "other-$host/nats.conf" >"other-$host/log" 2>&1 &
  others+=($!)
done
quietly make up
echo "  ok   a host of a cluster comes up by its certificate, and not without"

# What another host, and what a neighbour without a certificate gets to see.
tls=secrets/cluster-hosts/198.51.100.32
curl -fsS --cacert $tls/ca.pem --cert $tls/cert.pem --key $tls/key.pem https://198.51.100.16:9102/metrics | grep -c gpu_power_leader >/dev/null || fail "another host reads no metrics"
! curl -fsS -m 5 --cacert $tls/ca.pem https://198.51.100.16:9102/metrics >/dev/null 2>&1 || fail "metrics are read without a certificate"
! curl -fsS -m 5 http://198.51.100.16:9102/metrics >/dev/null 2>&1 || fail "metrics are read in the clear"
info=$(exec 3<>/dev/tcp/198.51.100.16/4222; head -n 1 <&3)
grep -q '"tls_required":true' <<<"$info" || fail "NATS does not ask for TLS: $info"
echo "  ok   metrics for who has a certificate of the cluster, NATS by TLS alone"

serial() { echo | openssl s_client -connect 198.51.100.16:9102 -cert $tls/cert.pem -key $tls/key.pem 2>/dev/null | openssl x509 -noout -serial; }
before=$(serial)
RENEW=all quietly make cluster-certs
quietly make up
renewed() { [ "$(serial)" != "$before" ]; }
until_true "the renewed certificate is in use" renewed
[ "$(value gpu_power_leader)" = 1 ] || fail "power does not act after the renewal"
echo "  ok   renewed certificates are in use without a restart"

quietly make restore FILE="$backup"
quietly make up
awk -v a="$uptime" -v b="$(value 'gpu_power_uptime_seconds_total{')" 'BEGIN { exit !(a > 0 && b >= a) }' \
  || fail "uptime was $uptime s on the single server, and is $(value 'gpu_power_uptime_seconds_total{') s on the cluster"
[ "$(value 'gpu_power_stream_bytes{stream="GPU_HISTORY"' | cut -d. -f1)" -gt 0 ] || fail "there is no history on the cluster"
docker run --rm -v "${project}_power:/p" redis:7-alpine test -s /p/demo/console-session.enc || fail "there is no session on the cluster's host"
[ -z "$(docker run --rm -v "${project}_power:/p" redis:7-alpine find /p -name '*.unreadable')" ] || fail "the session cannot be read there"
grep -qx "CLUSTER_BIND=198.51.100.16" .env || fail "the place has lost its address"
copies=$(curl -fsS "http://198.51.100.32:8222/jsz?streams=true" | grep -o '"name": *"\(GPU_JOBS\|GPU_HISTORY\|KV_gpu_power\)"' | sort -u | wc -l)
[ "$copies" -eq 3 ] || fail "the second host has copies of $copies of the streams"
echo "  ok   the single server's backup on a cluster's host: uptime, history and session are there, the other hosts have copies"
