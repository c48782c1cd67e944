#!/usr/bin/env bash
# Makes the installation another user's: its files, its volumes, and whom the containers run as. Stops it meanwhile.
# $1: the user's name; without one, whoever called sudo. Root lends its containers the ids 10001.
set -euo pipefail
[ "$(id -u)" -eq 0 ] || { echo "Only root may move owners: sudo make chown OWNER=$(id -un)" >&2; exit 1; }
source "$(dirname "$0")/compose.sh"
source "$(dirname "$0")/data-volumes.sh"
owner=${1:-${SUDO_USER:-root}}
uid=$(id -u "$owner" 2>/dev/null) && gid=$(id -g "$owner") || fail "There is no user $owner on this host."
files_owner=$uid:$gid
if [ "$uid" -eq 0 ]; then uid=10001 gid=10001; fi
[ -f .env ] || fail "Nothing is installed here yet: whoever runs \`make up\` first is the owner."

exclusively
mapfile -t running < <(services_that_run)
start_again() { [ ${#running[@]} -eq 0 ] || compose up -d --no-build "${running[@]}" >/dev/null; }
trap start_again EXIT
[ ${#running[@]} -eq 0 ] || every stop >/dev/null
keep_setting APP_UID "$uid"
keep_setting APP_GID "$gid"
APP_UID=$uid APP_GID=$gid
give_volumes_to_owner
chown "$files_owner" .env
for path in secrets config backups .stack; do [ ! -e "$path" ] || give_to_owner "$path"; done
say "The installation belongs to $owner now; its containers run as $uid:$gid."
