#!/usr/bin/env bash
# Asks the registry which digests the tags in deploy/images.lock have now, writes them down and shows what changes.
# With an image, such as prom/prometheus:v3.6.0, only that one: it goes to this tag in every file that names it.
set -euo pipefail
source "$(dirname "$(readlink -f "$0")")/compose.sh"
lock=deploy/images.lock
wanted=${1:-}
registry=$(setting REGISTRY)

if [ -n "$wanted" ]; then
  [[ $wanted == *:* && $wanted != *@* ]] || fail "Say name and tag: make images-update IMAGE=prom/prometheus:v3.6.0"
  old=$(awk -v name="${wanted%:*}:" 'index($2, name) == 1 {print $2}' "$lock")
  [ -n "$old" ] || fail "${wanted%:*} is none of the images in $lock."
fi

# Everything is asked before anything is written: half an update would be none.
new=$(mktemp)
trap 'rm -f "$new"' EXIT
while read -r setting image digest; do
  if [[ $setting != \#* ]] && { [ -z "$wanted" ] || [ "$image" = "$old" ]; }; then
    now=${wanted:-$image}
    found=$(docker pull "$registry$now" | sed -n 's/^Digest: //p') || fail "$registry$now cannot be pulled; see above. Nothing was changed."
    [[ $found =~ ^sha256:[0-9a-f]{64}$ ]] || fail "The registry tells no digest of $registry$now. Nothing was changed."
    if [ "$now $found" = "$image $digest" ]; then
      printf 'unchanged  %s\n' "$image"
    else
      built=$(docker image inspect -f '{{.Created}}' "$registry$now")
      printf 'changed    %s %s\n        to %s %s, built on %s\n' "$image" "$digest" "$now" "$found" "${built%%T*}"
    fi
    image=$now digest=$found
  fi
  printf '%s %s %s\n' "$setting" "$image" "$digest" >>"$new"
done <"$lock"
cat "$new" >"$lock"

if [ -n "$wanted" ] && [ "$wanted" != "$old" ]; then
  # Some files name an image of Docker's own library by its short name.
  old=${old#library/} wanted=${wanted#library/}
  mapfile -t files < <(grep -rlF -- "$old" docker-compose.yml .env.example services/*/Dockerfile sim/Dockerfile deploy tests/compose 2>/dev/null || true)
  for file in "${files[@]}"; do
    sed -i "s#${old//./\\.}#$wanted#g" "$file"
    echo "written    $file"
  done
fi
say "Look at \`git diff\`; \`make upgrade\` takes the new images."
