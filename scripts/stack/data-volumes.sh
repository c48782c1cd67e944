# Sourced after compose.sh: which volumes hold the stack's data, whose they are, and a container that sees them.

# The data of NATS lie in other volumes where it is one of several servers.
nats_volumes=(nats)
if is_cluster; then nats_volumes=(nats-1 nats-2 nats-3); elif is_cluster_host; then nats_volumes=(nats-cluster); fi
data_volumes=("${nats_volumes[@]}" listener power prometheus alertmanager grafana)

# Prometheus and Alertmanager run as their images' own user; Grafana's folders belong to the group 0 of its image.
volume_owner() {
  case "$1" in
    prometheus | alertmanager) echo 65534:65534 ;;
    grafana) echo "$APP_UID:0" ;;
    *) echo "$APP_UID:$APP_GID" ;;
  esac
}
volume_exists() { docker volume inspect "${COMPOSE_PROJECT_NAME}_$1" >/dev/null 2>&1; }
# With the labels that compose would give it: without them compose takes it for somebody else's. And its owner's: only a
# volume that its own service is the first to see takes over the rights of the folder in its image.
make_volume() {
  ! volume_exists "$1" || return 0
  docker volume create --label "com.docker.compose.project=$COMPOSE_PROJECT_NAME" \
    --label "com.docker.compose.volume=$1" "${COMPOSE_PROJECT_NAME}_$1" >/dev/null
  in_volumes "chown $(volume_owner "$1") $1" "$1"
}
# Runs a shell's words as root in a container that sees these volumes under /volumes; they are its "$@", too.
in_volumes() { # words, volume …
  local words=$1 volume mounts=(); shift
  for volume in "$@"; do mounts+=(-v "${COMPOSE_PROJECT_NAME}_$volume:/volumes/$volume"); done
  helper -i --user 0:0 --cap-add CHOWN --cap-add DAC_OVERRIDE --cap-add FOWNER "${mounts[@]}" --workdir /volumes \
    --entrypoint sh "$(tool_image)" -euc "$words" volumes "$@"
}
present_volumes() { local volume; for volume in "${data_volumes[@]}"; do ! volume_exists "$volume" || echo "$volume"; done; }
give_volumes_to_owner() {
  local volume present words=""
  mapfile -t present < <(present_volumes)
  for volume in "${present[@]}"; do words+="chown -R $(volume_owner "$volume") $volume; "; done
  [ -z "$words" ] || in_volumes "$words" "${present[@]}"
}
