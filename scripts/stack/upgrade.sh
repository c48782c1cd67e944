#!/usr/bin/env bash
# Takes new images, asks them whether they can use what is here, and replaces one service after the other. What runs
# stays by name; where a service does not become what it was, all go back to it by themselves.
# NO_BUILD=1 takes the images that are here, NO_BACKUP=1 makes no backup before.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
source "$here/compose.sh"
exclusively
"$here/prepare.sh"
source "$here/version.sh"
record=.stack/previous

# By their image's id: a name may mean another image in a moment. After an upgrade that did not come to its end, what is
# kept is still the version before, whatever runs.
if [ ! -e "$record.new" ]; then
  for service in "${services[@]}"; do
    id=$(containers_of "$service" | head -n 1)
    [ -n "$id" ] || fail "$service does not run: use \`make up\`."
    docker tag "$(docker inspect -f '{{.Image}}' "$id")" "$(kept_image "$service" running)"
  done
  mkdir -p -m 700 .stack
  {
    echo "commit=$(cat .stack/commit 2>/dev/null || true)"
    for service in "${services[@]}"; do docker inspect -f "image=$service {{.Config.Image}}" "$(containers_of "$service" | head -n 1)"; done
  } >"$record.newer"
  mv "$record.newer" "$record.new"
fi
pin running
keeps="What runs goes on, and \`make up\` keeps to it until a \`make upgrade\` succeeds."

# The listener's image also works for the scripts, wherever it runs.
mapfile -t take < <(here_of nats power prometheus alertmanager "${messenger_services[@]}" grafana)
[ -n "${NO_BUILD:-}" ] || UNPINNED=1 "$here/take-images.sh" new listener "${take[@]}" || fail "$keeps"
declare -A named
while read -r service image; do named[$service]=$image; done < <(named_images)
say "Asking the new version whether it can use what is here"
"$here/check-version.sh" || fail "Nothing was replaced. $keeps"

old=$(! runs_here listener || helper --entrypoint sh "$(kept_image listener running)" -c 'cat /app/CHANGELOG.md 2>/dev/null' || true)
news=$(grep -vxF -f <(printf '%s\n' "${old:-none}") CHANGELOG.md | sed '/^$/d' || true)
[ -z "$news" ] || { say "What is new"; printf '%s\n' "$news" | head -n 60 >&2; }

backup=
if [ -z "${NO_BACKUP:-}" ]; then
  "$here/backup.sh" before-upgrade || fail "Nothing was replaced. $keeps" "\`make upgrade NO_BACKUP=1\` goes on without a backup."
  backup=$(ls -t backups/*-before-upgrade-*.tar | head -n 1)
fi
reads_data_of "${named[listener]-}" "${named[nats]-}" "$(kept_image listener running)" "$(kept_image nats running)" ||
  fail "This version is older than the one that runs, and cannot read what that one has written. $keeps" \
    "To go back to it: \`make rollback\`, or \`make restore\` of a backup of its time."
reversible=yes
reads_data_of "$(kept_image listener running)" "$(kept_image nats running)" "${named[listener]-}" "${named[nats]-}" || {
  reversible=
  say "The new version writes data that the one that runs cannot read: going back takes the backup ${backup:-that you have made} with it."
}

ready=$(ready_units | tr '\n' ' ')
back_out() {
  local code=$?
  trap - EXIT
  say "$stuck is not what it was: back to the version before. The last that it said:"
  docker logs --tail 20 "$(containers_of "$stuck" | head -n 1)" >&2 || true
  pin running
  [ -n "$reversible" ] || fail "It may have written data that the version before cannot read, so nothing was replaced again." \
    "Go back with the data of before: make restore FILE=$backup && make up. Or mend what is said above, and \`make upgrade\` again."
  local back=() unit
  for unit in "${units[@]}"; do
    back=("$unit" "${back[@]}")
    [ "$unit" != "$stuck" ] || break
  done
  replace_units "${back[@]}" || fail "$stuck did not come back either: \`make logs\` says why; \`make up\` tries again."
  say "The version before runs again. $keeps"
  exit $((code == 0 ? 1 : code))
}
# Files that the new versions start by.
"$here/alertmanager.sh" >/dev/null
"$here/logins.sh" >/dev/null
stuck=
trap '[ -z "$stuck" ] || back_out' EXIT
for unit in "${units[@]}"; do
  unpin "$unit"
  replace_units "$unit"
  # Before the services, which may not make what is new.
  if [ "$unit" = "${nats_services[-1]}" ]; then
    stuck=$unit
    "$here/setup-nats.sh"
    stuck=
  fi
done
trap - EXIT
rm "$pins"

# What is two versions old goes; where nothing is new, the version before stays what it was.
changed=
for service in "${services[@]}"; do
  [ "$(image_id "${named[$service]}")" = "$(image_id "$(kept_image "$service" running)")" ] || changed=yes
done
if [ -n "$changed" ]; then
  two_old=$(for service in "${services[@]}"; do image_id "$(kept_image "$service" previous)"; done | sort -u)
  two_old_names=$(sed -n 's/^image=[^ ]* //p' "$record" 2>/dev/null | sort -u) || true
  for service in "${services[@]}"; do docker tag "$(kept_image "$service" running)" "$(kept_image "$service" previous)"; done
  { cat "$record.new"; echo "backup=$backup"; } >"$record"
  give_to_owner .stack
fi
rm "$record.new"
for service in "${services[@]}"; do docker rmi "$(kept_image "$service" running)" >/dev/null; done
if [ -n "$changed" ]; then
  for name in $two_old_names; do
    { printf '%s\n' "${named[@]}"; sed -n 's/^image=[^ ]* //p' "$record"; } | grep -xF -- "$name" >/dev/null ||
      docker rmi "$name" >/dev/null 2>&1 || true
  done
  # One that still has a name elsewhere, or still runs, stays.
  for image in $two_old; do docker rmi "$image" >/dev/null 2>&1 || true; done
fi
note_commit
say "Upgraded. \`make rollback\` goes back to the version before."
