#!/usr/bin/env bash
# Writes a backup into backups/ while everything goes on: NATS' streams by its own snapshots, settings, secrets, and what
# the volumes hold. Prometheus' series, by far the largest, only with PROMETHEUS=1. $1: a word for the file's name.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
source "$here/compose.sh"
for part in data-volumes nats-streams archive; do source "$here/$part.sh"; done
umask 077
[ -f .env ] && [ -d secrets ] || fail "Nothing is installed here yet: there is nothing to save."
exclusively

work=backups/.partial
paused=()
go_on() { [ ${#paused[@]} -eq 0 ] || docker unpause "${paused[@]}" >/dev/null || true; paused=(); }
leave() {
  local code=$?
  go_on
  leave_nats || true
  rm -rf "$work"
  [ $code -eq 0 ] || say "No backup was made (see above); those of before are as they were."
}
trap leave EXIT
# Of a backup that was cut off.
rm -rf "$work"
mkdir -p "$work/pieces" "$work/streams"
give_to_owner backups

# Holds a service still for the moment of a copy. Not stopped: after a restart of the host it would stay so.
hold_still() { mapfile -t paused < <(running_of "$1"); [ ${#paused[@]} -eq 0 ] || docker pause "${paused[@]}" >/dev/null; }
# A file that changes or goes while it is read is none to fail for: services write beside and rename.
save_volume() { # volume, folder in it
  in_volumes "cd $1/${2:-.}; tar -c --exclude './.restore-*' --exclude ./.backup . || [ \$? -eq 1 ]" "$1" |
    gzip >"$work/pieces/volume-$1.tar.gz"
}

reach_nats
streams=$(nats_streams "$PWD/$work/streams" save /streams)
leave_nats
tar -cf "$work/pieces/streams.tar" -C "$work/streams" .
rm -rf "$work/streams"
tar -czf "$work/pieces/settings.tar.gz" .env secrets config

saved=()
for volume in listener power alertmanager; do
  ! volume_exists "$volume" || { save_volume "$volume"; saved+=("$volume"); }
done
if volume_exists grafana; then
  # Its database is one file that it writes into.
  hold_still grafana
  save_volume grafana
  go_on
  saved+=(grafana)
fi
if [ -n "${PROMETHEUS:-}" ] && volume_exists prometheus; then
  hold_still prometheus
  # Blocks never change, so they are only linked; the rest is small.
  in_volumes 'cd prometheus; rm -rf .backup; mkdir -m 700 .backup; for each in *; do
    case $each in ??????????????????????????) cp -al "$each" .backup ;; *) cp -a "$each" .backup ;; esac; done' prometheus
  go_on
  save_volume prometheus .backup
  in_volumes 'rm -rf prometheus/.backup' prometheus
  saved+=(prometheus)
fi

stamp=$(date -u +%Y%m%dT%H%M%SZ)
cat >"$work/pieces/manifest" <<TEXT
format=$archive_format
created=$stamp
version=$(setting VERSION)
project=$COMPOSE_PROJECT_NAME
volumes=${saved[*]}
streams=$streams
TEXT
(cd "$work/pieces" && sha256sum -- *) >"$work/SHA256SUMS"
mv "$work/SHA256SUMS" "$work/pieces/"
# Each piece goes as soon as it is in the file: there is never a second copy of all.
(cd "$work/pieces" && tar -cf ../backup.tar --remove-files manifest SHA256SUMS settings.tar.gz streams.tar volume-*.tar.gz)
archive_check "$work/backup.tar"
file=backups/$COMPOSE_PROJECT_NAME${1:+-$1}-$stamp.tar
[ ! -e "$file" ] || fail "$file is there already."
give_to_owner "$work"
sync "$work/backup.tar"
mv "$work/backup.tar" "$file"

# Power tells when it was; where it does not run, nobody does.
if volume_exists power; then
  pool=$(setting POOL)
  in_volumes "mkdir -p power/${pool:-default}; cd power/${pool:-default}; date +%s >last-backup.new; chown $APP_UID:$APP_GID . last-backup.new; mv last-backup.new last-backup" power
fi
# Those of the same kind: a nightly one must not push out the one before an upgrade.
kept=$(setting BACKUPS_KEPT)
if [ -n "${1:-}" ]; then kept=2; fi
ls backups | grep -xE "$COMPOSE_PROJECT_NAME${1:+-$1}-[0-9]{8}T[0-9]{6}Z\.tar" | sort | head -n "-${kept:-7}" |
  while read -r old; do rm -f "backups/$old"; done
say "Wrote $file ($(du -h "$file" | cut -f1)). It holds secrets: keep it as safe as they are, and a copy on another machine."
