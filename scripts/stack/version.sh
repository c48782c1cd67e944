# Sourced after compose.sh: the versions of the stack that an upgrade and a rollback go between.

# The services that run here, in the order in which they are replaced; the powers of a host together.
mapfile -t services < <(here_of "${nats_services[@]}" listener "${power_services[@]}" prometheus alertmanager "${messenger_services[@]}" grafana)
mapfile -t units < <(here_of "${nats_services[@]}" listener power prometheus alertmanager "${messenger_services[@]}" grafana)

# The image by which a service is kept, whatever it was called when it ran.
kept_image() { echo "gpu-power-manager/$1:$2"; } # service, running or previous
image_id() { docker image inspect -f '{{.Id}}' "$1" 2>/dev/null || true; }

pin() { # running or previous
  local service
  mkdir -p -m 700 .stack
  {
    echo "# Written by make upgrade and make rollback; the next make upgrade that succeeds removes it."
    echo "services:"
    for service in "${services[@]}"; do echo "  $service: { image: $(kept_image "$service" "$1") }"; done
  } >"$pins.new"
  mv "$pins.new" "$pins"
  give_to_owner .stack
}
unpin() { # unit
  local service names=("$1")
  [ "$1" != power ] || names=("${power_services[@]}")
  for service in "${names[@]}"; do sed -i "/^  $service: /d" "$pins"; done
}

# Each service and the image that the settings name for it.
named_images() { UNPINNED=1 "$here/image-names.sh"; }

# What a version's data look like: a number that rises when an older version can no longer read them (deploy/data-format).
data_format() { helper --entrypoint sh "$1" -c 'cat /app/data-format 2>/dev/null || echo 1'; } # image of the listener
nats_release() { helper --entrypoint nats-server "$1" --version | sed -n 's/.*v\([0-9]*\)\.\([0-9]*\)\..*/\1 \2/p'; }
# Whether the first version can read what the second has written. What does not run on this host is not asked.
reads_data_of() { # images of listener and nats, and those of the other version
  local own other
  ! runs_here listener || [ "$(data_format "$1")" -ge "$(data_format "$3")" ] || return 1
  runs_here nats || return 0
  read -r -a own < <(nats_release "$2") && read -r -a other < <(nats_release "$4") || return 1
  [ $((own[0] * 1000 + own[1])) -ge $((other[0] * 1000 + other[1])) ]
}

is_ready() { # service, port
  local id
  for id in $(running_of "$1"); do readiness "$id" "$2" >/dev/null || return 1; done
}
# Which units could do their work before: the new version must be able to as well, and nothing more is asked of it.
ready_units() {
  ! is_ready listener 9101 || echo listener
  local service
  for service in "${power_services[@]}"; do is_ready "$service" 9102 || return 0; done
  echo power
}

# Replaces units one after the other, until one does not become what it was. @returns 1, and $stuck names it.
replace_units() { # unit …
  local unit
  for unit in "$@"; do
    stuck=$unit
    if [[ " $ready " == *" $unit "* ]]; then "$here/replace-service.sh" "$unit" ready || return 1
    else "$here/replace-service.sh" "$unit" || return 1
    fi
  done
  stuck=
}
