# Sourced after compose.sh: NATS' streams are made, and go to a folder and back, as the user who may. The only place with
# its password.

# Runs scripts/streams/main.ts beside a nats-server, which then is on its loopback in whatever network it lies.
nats_streams() { # folder that it sees under /streams ("" for none), verb, words …
  local folder=$1 id helper_network url=nats://127.0.0.1:4222 tls=() mount=(); shift
  [ -z "$folder" ] || mount=(-v "$folder:/streams")
  ! is_cluster_host || {
    url=tls://127.0.0.1:4222
    tls=(-v "$PWD/secrets/tls/ca.pem:/run/secrets/ca.pem:ro" -e NODE_EXTRA_CA_CERTS=/run/secrets/ca.pem)
  }
  id=$(running_of "${nats_services[0]}" | head -n 1)
  [ -n "$id" ] || fail "NATS does not run: \`make logs\` says why."
  helper_network=container:$id
  helper --user "$APP_UID:$APP_GID" "${tls[@]}" -e NATS_URL="$url" -e NATS_USER=setup \
    -e NATS_PASSWORD_FILE=/run/secrets/nats-setup -v "$PWD/secrets/nats-setup:/run/secrets/nats-setup:ro" \
    -v "$PWD/scripts/streams:/app/scripts/streams:ro" "${shared_sources[@]}" "${mount[@]}" "$(tool_image)" node scripts/streams/main.ts "$@"
}
# Starts NATS alone where the stack is down; `leave_nats` then takes it away again.
reach_nats() {
  nats_was=running
  [ -z "$(running_of "${nats_services[0]}")" ] || return 0
  if [ -n "$(containers_of "${nats_services[0]}")" ]; then nats_was=stopped; else nats_was=absent; fi
  compose up -d --no-build --no-deps "${nats_services[@]}" >&2
  wait_healthy "${nats_services[@]}"
}
leave_nats() {
  case "${nats_was:-running}" in
    stopped) compose stop "${nats_services[@]}" >&2 ;;
    absent) compose rm -sf "${nats_services[@]}" >&2 ;;
  esac
  nats_was=running
}
