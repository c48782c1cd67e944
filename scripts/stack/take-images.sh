#!/usr/bin/env bash
# Has the images that services of the compose file need: those of others by the digest in deploy/images.lock; ours
# built here, or pulled where .env names them (LISTENER_IMAGE …).
# Usage: take-images.sh missing|new SERVICE …   missing: only what is not here yet; new: all of it, anew.
set -euo pipefail
source "$(dirname "$(readlink -f "$0")")/compose.sh"
which=${1:-}
case $which in missing | new) shift ;; *) fail "Usage: take-images.sh missing|new SERVICE …" ;; esac

# Every stage of our Dockerfiles carries it.
image_label=org.opencontainers.image.vendor=gpu-power-manager
build_cache_limit=1GB
registry=$(setting REGISTRY)
version=$(setting VERSION)
has() { [ "$which" = missing ] && docker image inspect "$1" >/dev/null 2>&1; }

# An image of others, or the one that .env names instead. The tag is put on what has the digest: the compose file and
# the Dockerfiles name tags, because an image that came from a file has no digest.
take_other() { # setting
  local named image digest by_digest
  read -r image digest < <(sed -n "s/^$1 //p" deploy/images.lock)
  named=$(setting "$1")
  if [ -n "$named" ] && [ "$named" != "$image" ]; then
    has "$registry$named" || docker pull -q "$registry$named" >/dev/null || fail \
      "$registry$named cannot be pulled; see above. It is named by $1 in .env."
  elif ! has "$registry$image"; then
    by_digest=$registry${image%:*}@$digest
    docker pull -q "$by_digest" >/dev/null || fail \
      "$registry$image cannot be pulled by its digest; see above. Does the registry carry it (REGISTRY in .env)?" \
      "\`make images-update\` takes the digests that it has now, and shows what changes."
    docker tag "$by_digest" "$registry$image"
  fi
}

pull=() build=()
take_ours() { # setting, name here, service that is built, setting of its base image
  local named
  named=$(setting "$1")
  if [ -n "$named" ]; then
    has "$named:$version" || pull+=("$3")
  elif ! has "gpu-power-manager/$2:$version"; then
    take_other "$4"
    build+=("$3")
  fi
}

for service in "$@"; do
  case $service in
    nats) take_ours NATS_BUILT_IMAGE nats nats NATS_IMAGE ;;
    # The messenger runs from it, too.
    listener | messenger) take_ours LISTENER_IMAGE listener listener NODE_IMAGE ;;
    power) take_ours POWER_IMAGE power power NODE_IMAGE ;;
    sim-dsp) take_ours SIM_IMAGE sim sim-dsp NODE_IMAGE ;;
    prometheus) take_other PROMETHEUS_IMAGE ;;
    alertmanager) take_other ALERTMANAGER_IMAGE ;;
    grafana) take_other GRAFANA_IMAGE ;;
    redis) take_other REDIS_IMAGE ;;
  esac
done
if [ ${#pull[@]} -gt 0 ]; then
  say "Pulling ${pull[*]} of version $version"
  every pull -q "${pull[@]}" || fail "An image that .env names cannot be pulled; see above. VERSION in .env is its tag."
fi
if [ ${#build[@]} -gt 0 ]; then
  say "Building ${build[*]} (a few minutes the first time)"
  every build "${build[@]}"
  # What a build leaves behind: of images ours alone, of the builder's cache what is beyond this. Neither is in use.
  docker image prune -f --filter "label=$image_label" >/dev/null
  docker builder prune -f --keep-storage "$build_cache_limit" >/dev/null 2>&1 || true
fi
