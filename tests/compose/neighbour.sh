#!/usr/bin/env bash
# "This host only": a neighbour on the same network (a network namespace with a cable to this host) tries to reach power,
# whose port is published on 127.0.0.1. Where the engine lets it in, the rules that `make up` prints must shut it out.
# Run in the copy of the stack by run.sh while it is up; needs root.
set -euo pipefail
fail() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }
project=${COMPOSE_PROJECT_NAME:?}
power=$(docker ps -q --filter "label=com.docker.compose.project=$project" --filter "label=com.docker.compose.service=power")
inside=$(docker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}' "$power" | cut -d' ' -f1)

ip netns add gpm-neighbour
rules=()
leave() {
  for rule in "${rules[@]}"; do iptables ${rule/ -I / -D } || true; done
  ip netns del gpm-neighbour
  ip link del gpm-cable 2>/dev/null || true
}
trap leave EXIT
ip link add gpm-cable type veth peer name gpm-far netns gpm-neighbour
ip addr add 198.51.100.1/30 dev gpm-cable
ip link set gpm-cable up
# 127.0.0.1 is not the neighbour itself here, but what it finds at the other end of the cable.
ip netns exec gpm-neighbour sh -eu -c '
  ip addr add 198.51.100.2/30 dev gpm-far; ip link set gpm-far up
  sysctl -qw net.ipv4.conf.all.route_localnet=1
  ip rule add pref 1 lookup local; ip rule add pref 0 to 127.0.0.1 lookup 99; ip rule del pref 0 lookup local
  ip route add 127.0.0.1/32 via 198.51.100.1 dev gpm-far src 198.51.100.2 table 99
  ip route add default via 198.51.100.1'
reaches() { ip netns exec gpm-neighbour curl -fsS -m 3 -o /dev/null "http://$1/healthz" 2>/dev/null; }
reached() { local found=; for address in 127.0.0.1:9102 "$inside:9102"; do ! reaches "$address" || found+="$address "; done; echo "$found"; }

before=$(reached)
warning=$(scripts/stack/neighbours.sh 2>&1)
mapfile -t rules < <(sed -n 's/^ *iptables //p' <<<"$warning" | sed 's/-i [^ ]* -m/-i gpm-cable -m/')
if [ ${#rules[@]} -eq 0 ]; then
  [ -z "$before" ] || fail "a neighbour reaches $before and make up says nothing of it"
  echo "  ok   a neighbour on the same network reaches nothing"
  exit 0
fi
for rule in "${rules[@]}"; do iptables $rule; done
after=$(reached)
[ -z "$after" ] || fail "in spite of the rules that make up prints a neighbour reaches $after"
curl -fsS -o /dev/null http://127.0.0.1:9102/healthz || fail "the rules shut out this host itself"
echo "  ok   this engine lets a neighbour reach ${before:-nothing}; with the rules that make up prints it reaches nothing, and this host all"
