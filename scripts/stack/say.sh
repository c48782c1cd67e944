# Sourced by the scripts beside it, in the project's folder: how they speak, and that they wait for each other.

say() { printf '\033[1m%s\033[0m\n' "$*" >&2; }
fail() { printf '%s\n' "$@" >&2; exit 1; }
# One at a time of what stops, replaces or copies: a timer's backup must not meet a person's upgrade.
exclusively() {
  [ -z "${STACK_LOCKED:-}" ] || return 0
  exec {lock}<.
  flock -n "$lock" || fail "Another backup, restore or upgrade is under way here: wait until it has ended."
  export STACK_LOCKED=yes
}
