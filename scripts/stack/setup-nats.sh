#!/usr/bin/env bash
# Makes NATS' streams and buckets, or gives them the configuration of these files: the services may only look at them.
# `make up` and `make upgrade` do it by themselves; again changes nothing.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
source "$here/compose.sh"
source "$here/nats-streams.sh"
# Elsewhere in a cluster a host with a nats-server does it.
runs_here nats || exit 0
replicas=$(setting NATS_REPLICAS)
if is_cluster || is_cluster_host; then replicas=3; fi
trap leave_nats EXIT
reach_nats
nats_streams "" set-up "${replicas:-1}" >&2
say "  streams and buckets of NATS are as they should be"
