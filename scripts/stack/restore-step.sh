#!/usr/bin/env bash
# The steps of a restore (restore.sh), and back: `undo` to what was here before, `forget` gives up the room for that.
# ENV_FILE names the settings that count. All that a step has to know of another lies in .stack/restore:
#   new/      what the backup brings, until it is in its place       volumes   those that change places
#   old/      what was here                                          absent    what was not here before
#   running   the services that ran                                  env       the settings, wherever .env is just now
#   state     swapping, or done
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
source "$here/compose.sh"
for part in data-volumes nats-streams archive; do source "$here/$part.sh"; done
umask 077
state=.stack/restore
# The files of this folder that a backup holds; .env last, because the others are found by it.
FILES='secrets config .env'

# What belongs to this place and not to what runs in it: kept here, whatever it was where the backup was made.
PLACE='COMPOSE_PROJECT_NAME|COMPOSE_FILE|SERVICES|NATS_NAME|NATS_ROUTES|NATS_URL|NATS_REPLICAS|CLUSTER_BIND|BIND|[A-Z_]*_PORT|REGISTRY|[A-Z_]*_IMAGE|VERSION|SECCOMP_PROFILE|APP_UID|APP_GID|BACKUPS_KEPT'
KEPT_WORDS='# Of this place, kept when a backup was restored:'
# Between the servers of a place: the same on all hosts of a cluster.
PLACE_SECRETS='nats-listener nats-power nats-setup nats-route tls cluster-ca cluster-hosts'

# Unpacks the settings, with those of this place.
settings() { # file
  local name new=$state/new
  rm -rf $new
  mkdir -p $new
  archive_piece "$1" settings.tar.gz | tar -xz -C $new
  for name in $FILES; do [ -e "$new/$name" ] || fail "$1 holds no $name: it is no backup of this stack."; done
  if [ -f .env ]; then
    {
      grep -vxE "($PLACE)=.*|$KEPT_WORDS" $new/.env || true
      echo "$KEPT_WORDS"
      grep -xE "($PLACE)=.*" .env || true
    } >$new/.env.merged
    for name in $PLACE_SECRETS; do
      [ ! -e "secrets/$name" ] || { rm -rf "$new/secrets/$name"; cp -a "secrets/$name" $new/secrets/; }
    done
  else
    grep -vxE 'APP_[UG]ID=.*' $new/.env >$new/.env.merged
  fi
  mv $new/.env.merged $new/.env
  env_file=$new/.env
  keep_setting APP_UID "$APP_UID"
  keep_setting APP_GID "$APP_GID"
}

# Whether the backup fits here: nobody else's volumes, none unknown, images, room for old and new together.
expect() { # file
  local foreign volume needed free
  foreign=$(docker ps -a --filter "label=com.docker.compose.project=$COMPOSE_PROJECT_NAME" \
    --format '{{.Label "com.docker.compose.project.working_dir"}}' | grep -vxF -e "$PWD" -e "" | head -n 1) || true
  [ -z "$foreign" ] || fail "The project $COMPOSE_PROJECT_NAME runs from $foreign, and its volumes would be overwritten." \
    "Give this installation another name first: a file .env with a line COMPOSE_PROJECT_NAME=… of its own."
  mapfile -t volumes < <(archive_volumes "$1")
  for volume in "${volumes[@]}"; do
    [[ " ${data_volumes[*]} " == *" $volume "* ]] || fail "The backup holds a volume \"$volume\" that this version does not know."
  done
  [ -n "${NO_BUILD:-}" ] || "$here/take-images.sh" missing listener nats
  # The streams come back by NATS itself: on one host into volumes that are empty.
  is_cluster_host || volumes+=("${nats_volumes[@]}")
  printf '%s\n' "${volumes[@]}" >$state/new/volumes
  # Snapshots are compressed; in their place they are at most a few times as large.
  needed=$(($(archive_piece "$1" streams.tar | wc -c) * 5))
  for volume in $(archive_volumes "$1"); do needed=$((needed + $(archive_volume_bytes "$1" "$volume"))); done
  needed=$((needed / 1024 * 11 / 10 + 10240))
  make_volume "${volumes[0]}"
  free=$(in_volumes 'df -Pk "$1" | { read -r _; read -r _ _ _ free _; echo "$free"; }' "${volumes[0]}")
  [ "$free" -ge "$needed" ] || fail "There is not room for what is here and the backup together:" \
    "$((needed / 1024)) MB are needed where Docker keeps its volumes, and $((free / 1024)) MB are free."
}

unpack() { # file
  local volume
  mkdir -p $state/new/streams
  archive_piece "$1" streams.tar | tar -x -C $state/new/streams
  for volume in $(archive_volumes "$1"); do
    make_volume "$volume"
    archive_piece "$1" "volume-$volume.tar.gz" | gzip -dc | in_volumes "
      rm -rf $volume/.restore-new; mkdir -m 700 $volume/.restore-new
      tar -x -C $volume/.restore-new; chown -R $(volume_owner "$volume") $volume/.restore-new" "$volume"
  done
  is_cluster_host || for volume in "${nats_volumes[@]}"; do
    make_volume "$volume"
    in_volumes "rm -rf $volume/.restore-new; mkdir -m 700 $volume/.restore-new" "$volume"
  done
  give_to_owner .stack
}
drop() { # what was unpacked
  local present
  mapfile -t present < <(present_volumes)
  [ ${#present[@]} -eq 0 ] || in_volumes 'for volume in "$@"; do rm -rf "$volume/.restore-new"; done' "${present[@]}"
}

# From here on there is another way back than that of the restore before.
leave() {
  local present file
  mapfile -t present < <(present_volumes)
  in_volumes 'for volume in "$@"; do rm -rf "$volume/.restore-old"; done' "${present[@]}"
  rm -rf $state/old $state/state
  mkdir -p $state/old
  mv $state/new/volumes $state/volumes
  cp $state/new/.env $state/env
  services_that_run >$state/running
  for file in $FILES; do [ -e "$file" ] || echo "$file"; done >$state/absent
  echo swapping >$state/state
  every down
}

# Old and new change places. Of each volume it can be told at every moment how far it is:
#   .restore-new         nothing has happened, or the old is on its way into .restore-old
#   .restore-in          the old is in .restore-old, the new on its way to its place
#   .restore-old alone   done
swap() {
  local volumes file
  mapfile -t volumes <$state/volumes
  in_volumes 'for volume in "$@"; do cd "/volumes/$volume"
    mkdir -m 700 .restore-old
    find . -mindepth 1 -maxdepth 1 ! -name ".restore-*" -exec mv -t .restore-old {} +
    mv .restore-new .restore-in
    find .restore-in -mindepth 1 -maxdepth 1 -exec mv -t . {} +
    rmdir .restore-in
  done' "${volumes[@]}"
  for file in $FILES; do
    [ ! -e "$file" ] || mv "$file" $state/old/
    mv "$state/new/$file" .
  done
}

streams() {
  local replicas=1 quiet=()
  if is_cluster || is_cluster_host; then replicas=3; fi
  # Where others may use the same NATS.
  ! is_cluster_host || quiet=(quiet)
  compose up -d --no-build --no-deps "${nats_services[@]}"
  wait_healthy "${nats_services[@]}"
  mkdir -p $state/old/streams
  give_to_owner .stack
  nats_streams "$PWD/$state" restore /streams/new/streams /streams/old/streams "$replicas" "${quiet[@]}" >/dev/null
}

finish() {
  rm -rf $state/new
  echo done >$state/state
  say "Restored into the project $COMPOSE_PROJECT_NAME. Run \`make up\`."
}

undo() {
  local volumes file
  [ -e $state/state ] || fail "There is nothing to go back to: no restore was made here, or it was forgotten."
  # Streams of several hosts lie in no volume of this host alone.
  if is_cluster_host && compgen -G "$state/old/streams/*.json" >/dev/null; then
    reach_nats
    nats_streams "$PWD/$state" restore /streams/old/streams /streams/undone 3 quiet >/dev/null
    rm -rf $state/old/streams
  fi
  every down
  mapfile -t volumes <$state/volumes
  in_volumes 'for volume in "$@"; do cd "/volumes/$volume"
    if [ -d .restore-old ]; then
      # While .restore-new is there, nothing new has come to its place.
      [ -d .restore-new ] || find . -mindepth 1 -maxdepth 1 ! -name ".restore-*" -exec rm -rf {} +
      find .restore-old -mindepth 1 -maxdepth 1 -exec mv -t . {} +
      rmdir .restore-old
    fi
    rm -rf .restore-new .restore-in
  done' "${volumes[@]}"
  for file in $FILES; do
    if [ -e "$state/old/$file" ]; then
      rm -rf "$file"
      mv "$state/old/$file" .
    elif grep -qxF "$file" $state/absent; then
      rm -rf "$file"
    fi
  done
  rm -rf $state/new $state/state $state/absent $state/volumes
}

# What ran before the restore.
start() {
  local services
  mapfile -t services <$state/running
  if [ -f .env ] && [ ${#services[@]} -gt 0 ]; then compose up -d --no-build "${services[@]}"; fi
  rm -rf $state
}

forget() {
  local present
  [ -e $state/state ] || exit 0
  [ "$(<$state/state)" = done ] || fail "A restore was cut off here: \`make restore-undo\` first."
  mapfile -t present < <(present_volumes)
  in_volumes 'for volume in "$@"; do rm -rf "$volume/.restore-old"; done' "${present[@]}"
  rm -rf $state
}

case "${1:-}" in
  settings | expect | unpack | drop | leave | swap | streams | finish | undo | start | forget) "$@" ;;
  *) fail "Usage: restore-step.sh undo | forget" ;;
esac
