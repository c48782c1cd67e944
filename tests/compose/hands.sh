#!/usr/bin/env bash
# gpuctl where the host has no Node: in the containers, by ./gpuctl and make; run in the copy of the stack by run.sh,
# while nothing waits.
set -euo pipefail
fail() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }
[ ! -e node_modules ] || fail "this is to be run where there is no Node: $PWD"
said=$(mktemp)
trap 'rm -f "$said"' EXIT
says() { # what it has to say, the command
  local what=$1; shift
  "$@" >"$said" 2>&1 || { cat "$said" >&2; fail "$* ended with $?"; }
  grep -qE "$what" "$said" || { cat "$said" >&2; fail "$* does not say: $what"; }
}
says '"mode"|gpu-1' make --no-print-directory status
says 'gpu-1' ./gpuctl why
says '^ *[0-9]+ *$' ./gpuctl dsp monitors
says '.' ./gpuctl --lang zh dsp pending
diagnosis() { ./gpuctl diagnose --json || [ $? -eq 1 ]; }
says '"id": *"versions"' diagnosis
grep -A3 '"id": *"versions"' "$said" | grep -q '"status": *"ok"' || { cat "$said" >&2; fail "the versions are not compared"; }
grep -A3 '"id": *"clock-redis"' "$said" | grep -q '"status": *"ok"' || { cat "$said" >&2; fail "the clock of the gateway's Redis is not compared"; }
echo "  ok   make status, ./gpuctl why, dsp and diagnose in the containers"
says '.' make --no-print-directory test-job
tail -n 3 "$said" | sed 's/^/       /'
echo "  ok   make test-job: a client at the gateway, from power's container, until the machine runs"
! ./gpuctl dsp monitors --redis redis://nobody:6379 >"$said" 2>&1 || fail "a Redis that is not there was read"
