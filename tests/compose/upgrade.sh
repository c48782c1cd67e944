#!/usr/bin/env bash
# Upgrades for real: a version that refuses the configuration, one that does not become ready, a good one, and back.
# Run in the copy of the stack by run.sh, while the demo is up.
set -euo pipefail
fail() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }
log=$(mktemp)
trap 'rm -f "$log"' EXIT
quietly() { "$@" >"$log" 2>&1 || { cat "$log" >&2; fail "$*"; }; }
make() { command make --no-print-directory "$@"; }
project=${COMPOSE_PROJECT_NAME:?}
# Those of others stay as they are; and nobody waits for minutes for what never becomes healthy.
export SERVICES="nats listener power" WAIT_SECONDS=60
container() { docker ps -q --filter "label=com.docker.compose.project=$project" --filter "label=com.docker.compose.service=$1"; }
runs() { docker inspect -f '{{.Image}}' "$(container "$1")"; }
started() { for service in $SERVICES; do docker inspect -f '{{.Name}} {{.State.StartedAt}}' "$(container "$service")"; done; }
id() { docker image inspect -f '{{.Id}}' "$1"; }
works() { curl -fsS http://127.0.0.1:9102/readyz >/dev/null; }
# A next version of a service, under the name that the settings give it.
next() { # service, lines of a Dockerfile
  printf 'FROM %s\n%s\n' "$(first "$1")" "$2" | docker build -q -t "gpu-power-manager/$1:test" - >/dev/null 2>"$log" || { cat "$log" >&2; fail "a next version of $1"; }
}
declare -A original
for service in $SERVICES; do original[$service]=$(runs "$service"); done
first() { echo "gpu-power-manager/$1:first"; }
for service in $SERVICES; do docker tag "${original[$service]}" "$(first "$service")"; done

next power 'ENTRYPOINT ["sh", "-c", "echo this version wants another pool file >&2; exit 1"]'
before=$(started)
! make upgrade >"$log" 2>&1 || fail "a version that refuses the configuration went through"
grep -q "this version wants another pool file" "$log" && grep -q "Nothing was replaced" "$log" || { cat "$log" >&2; fail "it is not told"; }
[ "$(started)" = "$before" ] || fail "something was replaced all the same"
quietly make restart-power
[ "$(runs power)" = "${original[power]}" ] || fail "make restart-power takes the version that was refused"
echo "  ok   a version that refuses the configuration replaces nothing, and nothing else takes it"

next listener 'LABEL next=1'
next power 'CMD ["node", "-e", "setTimeout(() => {}, 1e9)"]'
! make upgrade >"$log" 2>&1 || fail "a version that does not become ready went through"
grep -q "power is not what it was: back to the version before" "$log" && grep -q "The version before runs again" "$log" \
  || { cat "$log" >&2; fail "it did not go back by itself"; }
for service in $SERVICES; do [ "$(runs "$service")" = "${original[$service]}" ] || fail "$service is not the version before"; done
works || fail "power does not work after going back"
echo "  ok   one that does not become ready: the listener that was replaced already and power are the version before again"

next power 'LABEL next=1'
quietly make upgrade
for service in listener power; do
  [ "$(runs "$service")" = "$(id "gpu-power-manager/$service:test")" ] && [ "$(runs "$service")" != "${original[$service]}" ] || fail "$service is not the new version"
  [ "$(id "gpu-power-manager/$service:previous")" = "${original[$service]}" ] || fail "the version before is not kept by name"
done
ls backups/"$project"-before-upgrade-*.tar >/dev/null || fail "no backup was made before"
works || fail "power does not work after the upgrade"
quietly make rollback
for service in $SERVICES; do [ "$(runs "$service")" = "${original[$service]}" ] || fail "$service was not rolled back"; done
works || fail "power does not work after the rollback"
# The rest by power alone, and without backups: it takes less time.
one_service=(env SERVICES=power NO_BACKUP=1)
next power 'LABEL next=2'
kept=$(id gpu-power-manager/power:previous)
quietly "${one_service[@]}" make --no-print-directory upgrade
[ "$(id gpu-power-manager/power:previous)" = "$kept" ] || fail "the version before the rollback is not kept"
next power 'LABEL next=3'
gone=$(runs power)
quietly "${one_service[@]}" make --no-print-directory upgrade
next power 'LABEL next=4'
quietly "${one_service[@]}" make --no-print-directory upgrade
! docker image inspect "$gone" >/dev/null 2>&1 || fail "what is two versions old is still there"
works || fail "power does not work after the last upgrade"
for service in $SERVICES; do docker tag "$(first "$service")" "gpu-power-manager/$service:test"; docker rmi "$(first "$service")" >/dev/null; done
quietly make upgrade
echo "  ok   a good one, back, and on again: the version before is kept by name, what is two versions old goes"
