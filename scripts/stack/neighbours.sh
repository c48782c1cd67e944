#!/usr/bin/env bash
# Docker before version 28 lets neighbours on the same network reach ports that are published on 127.0.0.1 only
# (moby/moby#45610): says so, with the rules that close it. Silent where it does not apply, or where both rules stand.
set -euo pipefail
source "$(dirname "$0")/compose.sh"
bind=$(setting BIND)
[ "${bind:-127.0.0.1}" = 127.0.0.1 ] || exit 0
version=$(docker version -f '{{.Server.Version}}')
[ "${version%%.*}" -lt 28 ] 2>/dev/null || exit 0
outside=$(ip -o route show default 2>/dev/null | sed -n 's/.* dev \([^ ]*\).*/\1/p' | head -n 1)
rules=(
  # What is addressed to this host itself and comes from elsewhere.
  "-t raw -I PREROUTING -d 127.0.0.0/8 ! -i lo -j DROP"
  # What is addressed to a container itself.
  "-t filter -I DOCKER-USER -i ${outside:-eth0} -m conntrack --ctstate NEW -m conntrack ! --ctstate DNAT -j DROP"
)
stand=yes
# shellcheck disable=SC2086 # The words of a rule.
for rule in "${rules[@]}"; do iptables ${rule/ -I / -C } >/dev/null 2>&1 || stand=; done
[ -z "$stand" ] || exit 0
say "Docker $version lets neighbours on the same network reach what is published on 127.0.0.1: Grafana, Prometheus, power."
printf '%s\n' "  Update Docker to 28 or newer, or close it as root (and keep it across restarts of the host; docs/operating.md):" >&2
printf '    iptables %s\n' "${rules[@]}" >&2
