#!/usr/bin/env bash
# Builds stand-in base images from Debian packages, under the names that the Dockerfiles and the compose file
# ask for, on a machine that reaches Debian's mirror and npm but no image registry. Only for the test.
# A real image that is here already is used as it is; a stand-in carries a label, by which it is known and removed.
# Two things may differ from the real images, and the test says so:
# - Grafana has no Debian package: a static file answers in its place.
# - NATS is the current one where Go could build it, with the configuration as it is shipped. Elsewhere it is Debian's
#   2.9, which does not know sync_interval, so the stand-in leaves that line out.
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
cp -L node_modules/.bin/node "$work/host/usr/local/bin/"
cp -r "$(npm root -g)/npm" "$work/host/usr/local/lib/node_modules/"

stand_in=gpu-power-manager.stand-in
real() { docker image inspect "$1" >/dev/null 2>&1 && [ -z "$(docker image inspect -f "{{index .Config.Labels \"$stand_in\"}}" "$1")" ]; }
build() { # name; Dockerfile on stdin
  if real "$1"; then cat >/dev/null; echo "$1 is here: used as it is"; return; fi
  docker build -q --network host --label "$stand_in=true" -t "$1" -f - "$work/host" >/dev/null 2>"$work/build.log" \
    || { cat "$work/build.log" >&2; exit 1; }
  echo "built a stand-in of $1"
}

# What every stand-in is made from: it has wget and BusyBox's nc, because the health checks of the real images ask by them.
build gpu-power-manager-test/tools:bookworm <<DOCKER
FROM $debian
RUN rm -f /etc/apt/sources.list
COPY etc /etc
RUN apt-get update && apt-get install -y --no-install-recommends wget busybox && ln -s /bin/busybox /usr/local/bin/nc && rm -rf /var/lib/apt/lists/*
DOCKER

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
FROM gpu-power-manager-test/tools:bookworm
RUN apt-get update && apt-get install -y --no-install-recommends $package && rm -rf /var/lib/apt/lists/*
$(cat)
DOCKER
}

nats=$(scripts/nats-server.sh)
# Only the one that Go has built needs nothing else in its image.
if [[ $nats == */gpu-power-manager/nats-server-* ]]; then
  cp "$nats" "$work/host/nats-server"
  build nats:2.11-alpine <<'DOCKER'
FROM gpu-power-manager-test/tools:bookworm
COPY nats-server /usr/local/bin/nats-server
DOCKER
  echo "NATS in containers: $("$nats" --version), the configuration unchanged"
else
  apt_image nats:2.11-alpine nats-server <<'DOCKER'
RUN printf '%s\n' '#!/bin/sh' \
  'sed -e /sync_interval/d -e "s#../../run#../run#" /etc/nats/nats.conf > /tmp/nats.conf' \
  'exec /usr/sbin/nats-server --config /tmp/nats.conf' > /usr/local/bin/nats-server && chmod 755 /usr/local/bin/nats-server
DOCKER
  echo "NATS in containers: Debian's, the configuration without sync_interval"
fi
apt_image redis:7-alpine redis-server </dev/null
apt_image prom/prometheus:v3.5.0 prometheus <<'DOCKER'
RUN mkdir -m 1777 /prometheus
ENTRYPOINT ["prometheus"]
DOCKER
apt_image prom/alertmanager:v0.28.1 prometheus-alertmanager <<'DOCKER'
RUN mkdir -m 1777 /alertmanager && ln -s /etc/amtool/config.yml /etc/prometheus/amtool.yml
ENTRYPOINT ["prometheus-alertmanager"]
DOCKER
apt_image grafana/grafana:12.1.1 busybox <<'DOCKER'
RUN mkdir -p /srv/api /var/lib/grafana/dashboards && echo '{"standIn":true}' > /srv/api/health && chmod 777 /var/lib/grafana
CMD ["busybox", "httpd", "-f", "-p", "3000", "-h", "/srv"]
DOCKER
