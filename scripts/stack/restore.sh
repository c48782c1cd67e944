#!/usr/bin/env bash
# Brings a backup back, on this server or another: restore.sh FILE.
#
# Nothing that is here is touched before the backup was read whole and lies unpacked beside it; then old and new change
# places by renames, and the old is kept: `restore-step.sh undo` finds its way back from every point. Each step is a
# process of its own, because the settings change in between.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
cd "$here/../.."
source "$here/say.sh"
source "$here/archive.sh"
umask 077
file=${1:-}
state=.stack/restore
step() { "$here/restore-step.sh" "$@"; }
# With the settings that the backup brings.
step_of_backup() { ENV_FILE=$state/new/.env step "$@"; }

[ -f "$file" ] || fail "Say which backup: make restore FILE=backups/….tar"
exclusively
[ ! -e $state/state ] || [ "$(<$state/state)" = done ] || fail "A restore was cut off here: \`make restore-undo\` first."
say "Reading the backup"
archive_check "$file"

give_up() { step_of_backup drop || true; rm -rf $state/new; say "Nothing was changed; see above."; }
trap give_up EXIT
step settings "$file"
step_of_backup expect "$file"
say "Unpacking it beside what is here"
step_of_backup unpack "$file"

say "Changing places"
go_back() {
  trap - EXIT
  say "It did not work (see above): going back to what was here before."
  ENV_FILE=$state/env step undo && step start || fail "Going back did not work either. What was here is kept: mend what is said above, then \`make restore-undo\`."
  fail "Nothing has changed."
}
trap go_back EXIT
step_of_backup leave
step_of_backup swap
RESTORING=yes "$here/prepare.sh"
step streams
step finish
trap - EXIT
say "What was here before is kept: \`make restore-undo\` brings it back, \`make restore-forget\` gives its room up."
