#!/usr/bin/env bash
# Back to the version that ran before the last upgrade, one service after the other. DATA=before takes the data of before
# the upgrade with it, where the older version cannot read what the newer one has written since.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
source "$here/compose.sh"
exclusively
source "$here/version.sh"
record=.stack/previous
for service in "${services[@]}"; do
  [ -n "$(image_id "$(kept_image "$service" previous)")" ] || fail "There is no version before this one here: it is kept from the first \`make upgrade\` on."
done
[ "$(pinned_image listener)" != "$(kept_image listener previous)" ] || fail "The version before runs already. \`make upgrade\` takes the newer one again."
image_of() { ! runs_here "$1" || docker inspect -f '{{.Image}}' "$(containers_of "$1" | head -n 1)"; }

if ! reads_data_of "$(kept_image listener previous)" "$(kept_image nats previous)" "$(image_of listener)" "$(image_of nats)"; then
  backup=$(sed -n 's/^backup=//p' "$record")
  [ -f "$backup" ] || fail "The version before cannot read what this one has written, and the backup of before the upgrade is not here${backup:+ ($backup)}."
  [ "${DATA:-}" = before ] || fail "The version before cannot read what this one has written since the upgrade." \
    "\`make rollback DATA=before\` takes $backup with it: what has happened since then is lost, but for the jobs that wait at the gateway."
  pin previous
  "$here/restore.sh" "$backup"
  NO_BUILD=1 "$here/up.sh"
else
  ready=$(ready_units | tr '\n' ' ')
  pin previous
  replace_units "${units[@]}" || fail "$stuck did not come back (see above): \`make logs\` says why. \`make upgrade\` takes the newer version again."
fi
commit=$(sed -n 's/^commit=//p' "$record")
say "The version before runs again, until the next \`make upgrade\`."
[ -z "$commit" ] || say "The files here are still those of the newer version; those of the one that runs: git checkout $commit"
