#!/usr/bin/env bash
# Builds stand-in base images from Debian packages, under the names that the Dockerfiles and the compose file
# ask for, on a machine that reaches Debian's mirror and npm but no image registry. Only for the test.
# Two things differ from the real images, and the test says so:
# - Grafana has no Debian package: a static file answers in its place.
# - Debian's nats-server 2.9 does not know sync_interval, so the stand-in leaves that line out.
set -euo pipefail
cd "$(dirname "$0")/../.."

debian=gpu-power-manager-test/debian:bookworm
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if ! docker image inspect "$debian" >/dev/null 2>&1; then
  debootstrap --variant=minbase --include=ca-certificates bookworm "$work/root" >"$work/debootstrap.log" \
    || { tail -20 "$work/debootstrap.log" >&2; exit 1; }
  tar -C "$work/root" -c . | docker import - "$debian" >/dev/null
fi

# How this machine reaches its mirrors: sources, settings and CA bundle go into the stand-ins, never into git.
mkdir -p "$work/host/etc/apt/apt.conf.d" "$work/host/etc/apt/sources.list.d" "$work/host/etc/ssl/certs" "$work/host/usr/local/bin" "$work/host/usr/local/lib/node_modules"
cp /etc/ssl/certs/ca-certificates.crt "$work/host/etc/ssl/certs/"
cp /etc/apt/sources.list.d/debian.sources "$work/host/etc/apt/sources.list.d/" 2>/dev/null || true
[ -d /etc/apt/keyrings ] && cp -r /etc/apt/keyrings "$work/host/etc/apt/" || true
for file in /etc/apt/apt.conf.d/99*; do [ -f "$file" ] && cp "$file" "$work/host/etc/apt/apt.conf.d/"; done
cp node_modules/node/bin/node "$work/host/usr/local/bin/"
cp -r "$(npm root -g)/npm" "$work/host/usr/local/lib/node_modules/"

build() { docker build -q --network host -t "$1" -f - "$work/host" >/dev/null; echo "built a stand-in of $1"; }

build node:24-bookworm-slim <<DOCKER
FROM $debian
RUN rm -f /etc/apt/sources.list
COPY . /
ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt npm_config_registry=$(npm config get registry)
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm
DOCKER

apt_image() { # name, package, further lines on stdin
  local name=$1 package=$2
  build "$name" <<DOCKER
FROM node:24-bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends $package wget && rm -rf /var/lib/apt/lists/*
$(cat)
DOCKER
}

apt_image nats:2.11-alpine nats-server <<'DOCKER'
RUN rm -f /usr/local/bin/node && printf '%s\n' '#!/bin/sh' \
  'sed -e /sync_interval/d -e "s#../../run#../run#" /etc/nats/nats.conf > /tmp/nats.conf' \
  'exec /usr/sbin/nats-server --config /tmp/nats.conf' > /usr/local/bin/nats-server && chmod 755 /usr/local/bin/nats-server
DOCKER
apt_image redis:7-alpine redis-server </dev/null
apt_image prom/prometheus:v3.5.0 prometheus <<'DOCKER'
RUN mkdir -m 1777 /prometheus
ENTRYPOINT ["prometheus"]
DOCKER
apt_image prom/alertmanager:v0.28.1 prometheus-alertmanager <<'DOCKER'
RUN mkdir -m 1777 /alertmanager
ENTRYPOINT ["prometheus-alertmanager"]
DOCKER
apt_image grafana/grafana:12.1.1 busybox <<'DOCKER'
RUN mkdir -p /srv/api /var/lib/grafana/dashboards && echo '{"standIn":true}' > /srv/api/health && chmod 777 /var/lib/grafana
CMD ["busybox", "httpd", "-f", "-p", "3000", "-h", "/srv"]
DOCKER
