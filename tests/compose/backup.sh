#!/usr/bin/env bash
# A backup while everything goes on, what a restore refuses, how it goes back, and the same backup in another place: under
# another name, as another user. Run in the copy of the stack by run.sh, while the demo is up.
set -euo pipefail
fail() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }
log=$(mktemp)
quietly() { "$@" >"$log" 2>&1 || { cat "$log" >&2; fail "$*"; }; }
refused() { # words that it must say, command …
  local words=$1; shift
  ! "$@" >"$log" 2>&1 || fail "it went through: $*"
  grep -qE -- "$words" "$log" || { cat "$log" >&2; fail "$* does not say: $words"; }
}
make() { command make --no-print-directory "$@"; }
project=${COMPOSE_PROJECT_NAME:?}
socket=${DOCKER_HOST:-unix:///var/run/docker.sock}
docker_group=$(stat -c %g "${socket#unix://}")
elsewhere=gpm-elsewhere
# Not below the folder of the test, which is root's alone.
place=$(mktemp -d)
chmod 755 "$place"
leave() {
  docker ps -aq --filter "label=com.docker.compose.project=$elsewhere" | xargs -r docker rm -fv >/dev/null
  docker volume ls -q --filter "name=^${elsewhere}_" | xargs -r docker volume rm >/dev/null
  docker network ls -q --filter "name=^${elsewhere}_" | xargs -r docker network rm >/dev/null
  rm -rf "$log" "$place"
}
trap leave EXIT
value() { curl -fsS "http://127.0.0.1:${2:-9102}/metrics" 2>/dev/null | awk -v name="$1" 'index($0, name) == 1 && !found++ {print $2}'; }
until_true() { # words, command …
  local words=$1 deadline=$((SECONDS + 120)); shift
  until "$@"; do [ $SECONDS -lt $deadline ] || fail "waited in vain for: $words"; sleep 0.2; done
}
waiting() { [ "$(value gpu_power_pending_jobs "${1:-}")" = "${2:-1}" ]; }
# When each container was started: the same before and after, so none was stopped.
started() { docker ps -q --no-trunc --filter "label=com.docker.compose.project=$project" | sort | xargs docker inspect -f '{{.Name}} {{.State.StartedAt}} {{.State.Paused}} {{.RestartCount}}'; }
secrets() { find secrets config .env -type f -exec sha256sum {} + | sort; }
newest() { ls -t backups/*.tar | head -n 1; }

# A job that waits, because the machine is sold out.
console=http://127.0.0.1:18082
machine=$(curl -fsS $console/state | grep -oE '"UHostId":"[^"]+"' | head -n 1 | cut -d'"' -f4)
knob() { curl -fsS -X POST -H 'content-type: application/json' -d "$1" $console/faults >/dev/null; }
# The part before may have left it running, and then it would serve the job at once.
off() { local text; text=$(curl -fsS -H "Authorization: Bearer $(<secrets/viewer-token)" http://127.0.0.1:9102/api/v1/status) && grep -q '"state":"stopped"' <<<"$text"; }
until_true "power sees the machine off" off
knob "{\"soldOut\":[\"$machine\"]}"
curl -fsS -X POST -H 'content-type: application/json' -d '{"type":"gpu.job.submit","key":"kept","taskType":"heygem_submit","requestId":"kept-1"}' \
  http://127.0.0.1:18072/jobs >/dev/null
until_true "the job waits" waiting
uptime=$(value 'gpu_power_uptime_seconds_total{')
history=$(value 'gpu_power_stream_bytes{stream="GPU_HISTORY"')
[ "${history:-0}" != 0 ] || fail "there is no history to save"

before=$(started)
[ -z "$(value gpu_power_backup_timestamp_seconds)" ] || fail "power tells of a backup that was never made"
quietly make backup
[ "$(started)" = "$before" ] || fail "a backup has stopped something: $(diff <(echo "$before") <(started) || true)"
backup=$(newest)
[ "$(stat -c %a "$backup")" = 600 ] || fail "a backup can be read by others"
[ -z "$(ls -A backups | grep -vF "$(basename "$backup")" || true)" ] || fail "more than the backup is left: $(ls -A backups)"
told=$(value gpu_power_backup_timestamp_seconds)
[ "$(printf '%.0f' "$told")" -ge "$(($(date +%s) - 60))" ] || fail "power does not tell of the backup: $told"
echo "  ok   make backup: one file of mode 0600 ($(($(stat -c %s "$backup") / 1000)) kB), no container stopped, power tells when"
(quietly make backup) & first=$!
until_true "the first has begun" test -d backups/.partial
refused "another backup, restore or upgrade is under way|Another backup" make backup
wait $first
BACKUPS_KEPT=2 quietly make backup
[ "$(ls backups/*.tar | wc -l)" -eq 2 ] && [ ! -e "$backup" ] || fail "BACKUPS_KEPT=2 keeps $(ls backups)"
quietly make backup PROMETHEUS=1
tar -tf "$(newest)" | grep -qx volume-prometheus.tar.gz || fail "PROMETHEUS=1 saves no series"
quietly make backup
backup=$(newest)
echo "  ok   one at a time, the oldest make room, Prometheus' series when asked for"

echo "$uptime" >uptime-at-backup

before=$(started)
files=$(secrets)
head -c "$(($(stat -c %s "$backup") / 2))" "$backup" >cut.tar
refused "cut off" make restore FILE=cut.tar
cp "$backup" damaged.tar
printf 'X' | dd of=damaged.tar bs=1 seek="$(($(stat -c %s "$backup") * 2 / 3))" conv=notrunc status=none
refused "is damaged or cut off|no backup of this stack" make restore FILE=damaged.tar
echo nothing | tar -czf other.tar.gz --files-from /dev/null
refused "no backup of this stack" make restore FILE=other.tar.gz
mkdir altered
tar -xf "$backup" -C altered
repack() { (cd altered && sha256sum -- $(ls | grep -vx SHA256SUMS) >SHA256SUMS && tar -cf ../altered.tar -- *); }
sed -i 's/^format=.*/format=99/' altered/manifest && repack
refused "newer version" make restore FILE=altered.tar
sed -i 's/^format=.*/format=2/' altered/manifest
# More than there is room for: zeros take none in the backup.
mkdir zeros && truncate -s "$(($(df -B1 --output=avail "$(docker info -f '{{.DockerRootDir}}')" | tail -n 1) + 1000000000))" zeros/zeros
cp altered/volume-listener.tar.gz kept.tar.gz
if [ "$(stat -c %s zeros/zeros)" -lt 8000000000 ]; then
  tar -cz -C zeros . >altered/volume-listener.tar.gz && repack
  refused "not room for what is here" make restore FILE=altered.tar
fi
rm -r zeros
[ "$(started)" = "$before" ] && [ "$(secrets)" = "$files" ] || fail "a restore that was refused has changed something"
[ -z "$(docker run --rm -v "${project}_power:/v" redis:7-alpine sh -c 'ls -A /v | grep restore' || true)" ] || fail "something is left in a volume"
echo "  ok   a backup that is cut off, damaged, somebody else's or of a newer version changes nothing, and nothing stops"

# Whole by its sums, but NATS does not take it: everything has changed places already, and goes back.
mv kept.tar.gz altered/volume-listener.tar.gz
mkdir streams && tar -xf altered/streams.tar -C streams
truncate -s 200 streams/GPU_JOBS.snapshot
tar -cf altered/streams.tar -C streams . && repack
refused "going back to what was here before" make restore FILE=altered.tar
[ "$(secrets)" = "$files" ] || fail "settings are not what they were: $(diff <(echo "$files") <(secrets) || true)"
quietly make up
# The console's stand-in has forgotten that it was sold out.
# Whole: a pipe that is closed early would make curl fail.
started_there() { local text; text=$(curl -fsS "$1/state" 2>/dev/null) && grep -qE '"verb":"start"[^}]*"outcome":"accepted"' <<<"$text"; }
until_true "the job that waited starts its machine after going back" started_there $console
awk -v a="$uptime" -v b="$(value 'gpu_power_uptime_seconds_total{')" 'BEGIN { exit !(b >= a) }' || fail "uptime is gone after going back"
rm -rf altered streams ./*.tar other.tar.gz
echo "  ok   one that NATS refuses in the middle of it: back to what was here, and it runs again"

# Another place: another folder, name, user, and other ports, so that both could run.
git -C "${ROOT:?}" ls-files -z | (cd "$ROOT" && tar --null -T - -c) | tar -x -C "$place"
cp deploy/demo/pool.yaml "$place/deploy/demo/"
cat >"$place/.env" <<ENV
COMPOSE_PROJECT_NAME=$elsewhere
SERVICES=nats listener power
POWER_PORT=19102
SIM_DSP_PORT=28072
SIM_CONSOLE_PORT=28082
VERSION=$VERSION
ENV
cp "$place/.env" "$place/env-before"
cp "$backup" "$place/backup.tar"
chown -R 4242:4243 "$place"
there() { (cd "$place" && env -u COMPOSE_PROJECT_NAME HOME="$place" setpriv --reuid 4242 --regid 4243 --groups "$docker_group" "$@"); }
quietly there make restore FILE=backup.tar
[ "$(there sed -n 's/^COMPOSE_PROJECT_NAME=//p' .env | tail -n 1)" = $elsewhere ] || fail "the place has lost its name"
cmp -s secrets/session-key "$place/secrets/session-key" || fail "the session's key is not the backup's"
owners=$(docker run --rm -v "${elsewhere}_power:/p" -v "${elsewhere}_listener:/l" redis:7-alpine find /p /l -mindepth 1 ! -path '*/.restore-old*' -printf '%U:%G\n' | sort -u)
[ "$owners" = 4242:4243 ] || fail "the volumes belong to $owners"
quietly there make up
until_true "the job that waited here starts its machine there" started_there http://127.0.0.1:28082
awk -v a="$uptime" -v b="$(value 'gpu_power_uptime_seconds_total{' 19102)" 'BEGIN { exit !(a > 0 && b >= a) }' || fail "uptime was $uptime s and is less there"
[ "$(value 'gpu_power_stream_bytes{stream="GPU_HISTORY"' 19102 | cut -d. -f1)" -ge "${history%.*}" ] || fail "there is less history there"
[ -z "$(docker run --rm -v "${elsewhere}_power:/p" redis:7-alpine find /p -name '*.unreadable')" ] || fail "the session cannot be read there"
docker run --rm -v "${elsewhere}_power:/p" redis:7-alpine test -s /p/demo/console-session.enc || fail "there is no session there"
[ "$(docker volume ls -q --filter "name=^${project}_" | wc -l)" -gt 0 ] || fail "the volumes of $project are gone"
echo "  ok   restored under another name, as another user: the job that waited starts its machine, uptime, history, session are there"

# Who runs make there does not matter.
process_of() { docker top "$(docker ps -q --filter "label=com.docker.compose.project=$elsewhere" --filter "label=com.docker.compose.service=power")" -o pid,uid | awk 'END { print $2 }'; }
as_root() { (cd "$place" && env -u COMPOSE_PROJECT_NAME "$@"); }
quietly as_root make restart-power
[ "$(process_of)" = 4242 ] || fail "after root's make restart-power power runs as $(process_of)"
until_true "power can read its secrets" curl -fsS -o /dev/null http://127.0.0.1:19102/readyz
refused "cannot be read: this installation belongs to|belongs to" \
  env -u COMPOSE_PROJECT_NAME HOME=/tmp setpriv --reuid 4343 --regid 4343 --groups "$docker_group" make -C "$place" ps
quietly as_root make chown OWNER=nobody
until_true "power works for its new owner" curl -fsS -o /dev/null http://127.0.0.1:19102/readyz
[ "$(process_of)" = 65534 ] && [ "$(stat -c %U "$place/secrets/session-key")" = nobody ] || fail "make chown left something behind"
quietly as_root make chown OWNER=root
sed -i 's/^APP_UID=.*/APP_UID=4242/; s/^APP_GID=.*/APP_GID=4243/' "$place/.env"
chown -R 4242:4243 "$place"
echo "  ok   root restarts power as its owner, a stranger is told, make chown moves it to another"

quietly there make restore-undo
cmp -s "$place/.env" "$place/env-before" && [ ! -e "$place/secrets" ] || fail "restore-undo left something"
echo "  ok   make restore-undo: nothing is left of it"
leave
trap 'rm -f "$log"' EXIT
log=$(mktemp)

# Everything lost, the same place.
knob '{"soldOut":[]}'
key=$(<secrets/session-key)
quietly make down
docker volume ls -q --filter "name=^${project}_" | xargs docker volume rm >/dev/null
rm -rf .env secrets config
quietly make restore FILE="$backup"
[ "$(<secrets/session-key)" = "$key" ] || fail "the restored key is another one"
quietly make up
awk -v a="$uptime" -v b="$(value 'gpu_power_uptime_seconds_total{')" 'BEGIN { exit !(a > 0 && b >= a) }' \
  || fail "uptime was $uptime s before everything was lost and restored, and is less now"
quietly make restore-forget
[ ! -e .stack/restore ] || fail "restore-forget leaves $(ls .stack/restore)"
echo "  ok   everything lost and restored in the same place: uptime goes on from $uptime s"
