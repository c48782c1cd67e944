# Sourced by the scripts beside it: finds compose and says which profile runs. Not run by itself.
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source scripts/stack/say.sh
# The ids of a file's owner and group, and the name of the owner, for people.
owner_of() { ls -ldn -- "$1" | awk '{ print $3 ":" $4 }'; }
owner_name() { id -un "${1%%:*}" 2>/dev/null || echo "the user with the id ${1%%:*}"; }

[ ! -e .env ] || [ -r .env ] || fail \
  ".env cannot be read: this installation belongs to $(owner_name "$(owner_of .env)")." \
  "Run make as that user or with sudo; \`sudo make chown OWNER=$(id -un)\` makes the installation yours."

# Only a restore reads another one: that of the backup, before it is in its place.
env_file=${ENV_FILE:-.env}
# The environment goes before .env, as compose has it. Read, never sourced: a value may hold what a shell would run.
setting() { if [ -n "${!1:-}" ]; then printf '%s\n' "${!1}"; elif [ -f "$env_file" ]; then sed -n "s/^$1=//p" "$env_file" | tail -n 1; fi; }
# Writes a setting into .env where it stood, or instead of its example; owner and mode stay. Beside and then renamed:
# a full disk must not leave half of it.
keep_setting() { # name, value
  local like="^#?$1="
  ! grep -q "^$1=" "$env_file" || like="^$1="
  cp -p "$env_file" "$env_file.new"
  awk -v like="$like" -v line="$1=$2" '$0 ~ like && !done { print line; done = 1; next } { print } END { if (!done) print line }' \
    "$env_file" >"$env_file.new"
  mv "$env_file.new" "$env_file"
}

if docker compose version >/dev/null 2>&1; then compose_command=(docker compose)
elif command -v docker-compose >/dev/null; then compose_command=(docker-compose)
else fail "Docker Compose is missing: install it (Debian and Ubuntu: apt-get install docker.io docker-compose) and try again."
fi
docker info >/dev/null 2>&1 || fail \
  "The Docker daemon does not answer: start it (systemctl start docker), or become a member of the group docker."

# The profile is asked first: once it is set below, so is the demo's DSP_URL.
is_demo() { [ "${COMPOSE_PROFILES:-}" = demo ] || [ -z "$(setting DSP_URL)" ]; }

# Three nats-servers and a standby power on this host, by the override of deploy/cluster.
is_cluster() { [[ $(setting COMPOSE_FILE) == *deploy/cluster/docker-compose.yml* ]]; }
# One host of several, by deploy/cluster/host.yml.
is_cluster_host() { [[ $(setting COMPOSE_FILE) == *deploy/cluster/host.yml* ]]; }

# Images that run under another name than the settings give them: what ran before, while an upgrade is under way and after
# a rollback. UNPINNED=1 looks past them.
pins=.stack/pinned.yml
files=$(setting COMPOSE_FILE)
files=${files%":$pins"}
# Without a service in it compose would take it for a file of its first format.
if [ -z "${UNPINNED:-}" ] && grep -q '^  ' "$pins" 2>/dev/null; then
  if [ -z "$files" ]; then
    files=docker-compose.yml
    [ ! -e docker-compose.override.yml ] || files+=:docker-compose.override.yml
  fi
  export COMPOSE_FILE=$files:$pins
elif [ -n "${COMPOSE_FILE:-}" ]; then
  # Inherited from a script that saw pins.
  export COMPOSE_FILE=$files
fi
pinned_image() { [ -n "${UNPINNED:-}" ] || [ ! -s "$pins" ] || sed -n "s/^  $1: { image: \(.*\) }\$/\1/p" "$pins"; }

COMPOSE_PROJECT_NAME=$(setting COMPOSE_PROJECT_NAME)
export COMPOSE_PROJECT_NAME=${COMPOSE_PROJECT_NAME:-gpu-power}

# Secrets are readable by one user only, so the containers run as that user: whoever ran make first (root lends them
# 10001), and for good, because volumes and secrets stay his. The first run writes it into .env.
export APP_UID APP_GID
APP_UID=$(setting APP_UID); APP_GID=$(setting APP_GID)
if [ -z "$APP_UID" ] || [ -z "$APP_GID" ]; then
  # Installed before .env said it: the secrets know.
  if [ -e secrets/session-key ]; then ids=$(owner_of secrets/session-key); else ids=$(id -u):$(id -g); fi
  [ "${ids%:*}" -ne 0 ] || ids=10001:10001
  APP_UID=${ids%:*}; APP_GID=${ids#*:}
fi
[ "$(id -u)" -eq 0 ] || [ "$(id -u)" -eq "$APP_UID" ] || fail \
  "This installation belongs to $(owner_name "$APP_UID"): its containers run as that user (APP_UID in .env)." \
  "Run make as that user or with sudo; \`sudo make chown OWNER=$(id -un)\` makes the installation yours."
# Root works for the owner, and leaves no file that the owner could not read.
give_to_owner() { [ "$(id -u)" -ne 0 ] || chown -R "$APP_UID:$APP_GID" -- "$@"; }

if is_demo; then
  # A pool of its own, so that nothing of the demo is ever taken for something real, nor the other way round.
  export COMPOSE_PROFILES=demo POOL=demo CONFIG_DIR=./config/demo DSP_URL=ws://sim-dsp:18070/dsp \
    DSP_REDIS_URL=redis://redis:6379 DSP_REDIS_URL_FILE= \
    CONSOLE_USER=operator CONSOLE_PASSWORD=only-for-the-stand-in CONSOLE_PASSWORD_FILE= \
    PROVIDER_PUBLIC_KEY= PROVIDER_PRIVATE_KEY_FILE= BROWSER=
fi

# An image of ours that has Node and tar.
tool_image() {
  local image
  image=$(pinned_image listener)
  [ -n "$image" ] || { image=$(setting LISTENER_IMAGE); image=${image:-gpu-power-manager/listener}:$(setting VERSION); }
  echo "$image"
}
# What the scripts of these files import; their image may be that of an older version.
shared_sources=(-v "$PWD/packages/shared/src:/app/packages/shared/src:ro")
# Runs a container of the moment. Without a log: what passes through it may be secrets, and Docker would keep them.
helper() { docker run --rm --log-driver none --read-only --cap-drop ALL --security-opt no-new-privileges:true --network "${helper_network:-none}" "$@"; }

demo_services=(redis sim-dsp sim-console sim-people)
nats_services=(nats)
power_services=(power)
if is_cluster; then
  nats_services+=(nats-2 nats-3)
  power_services+=(power-standby)
fi
# Only where a group's robot is to be told of alerts.
messenger_services=()
[[ ! ,$(setting ALERT_RECEIVER), =~ ,\ *(wecom-robot|dingtalk|feishu)[:,\ ] ]] || messenger_services+=(messenger)
# On further hosts of a cluster SERVICES in .env leaves out what runs on the first alone.
runs_here() { local wanted; wanted=$(setting SERVICES); [ -z "$wanted" ] || [[ " $wanted " == *" $1 "* ]]; }
here_of() { local service; for service in "$@"; do ! runs_here "$service" || echo "$service"; done; }
[ "$env_file" = .env ] || compose_command+=(--env-file "$env_file")
compose() { "${compose_command[@]}" "$@"; }
# Of which commit the files are that the stack runs by, so that a rollback can name it; nothing where git does not know.
note_commit() {
  local commit
  commit=$(git rev-parse --short HEAD 2>/dev/null) || return 0
  mkdir -p -m 700 .stack
  echo "$commit" >.stack/commit
  give_to_owner .stack
}
# With the demo's services and the messenger too, whichever profile runs.
every() { compose --profile demo --profile messenger "$@"; }
containers_of() { docker ps -aq --filter "label=com.docker.compose.project=$COMPOSE_PROJECT_NAME" --filter "label=com.docker.compose.service=$1"; }
# The names of the services that run, and the containers of one of them.
services_that_run() {
  docker ps --filter "label=com.docker.compose.project=$COMPOSE_PROJECT_NAME" --format '{{.Label "com.docker.compose.service"}}' | sort -u
}
running_of() { docker ps -q --filter "label=com.docker.compose.project=$COMPOSE_PROJECT_NAME" --filter "label=com.docker.compose.service=$1"; }

# Waits until each named service is healthy. @stderr progress, one line a change.
wait_healthy() {
  local service ids states state last deadline=$((SECONDS + ${WAIT_SECONDS:-180}))
  for service in "$@"; do
    last=
    while :; do
      mapfile -t ids < <(containers_of "$service")
      state=absent
      if [ ${#ids[@]} -gt 0 ]; then
        states=$(docker inspect -f '{{if .State.Health}}{{.State.Health.Status}}{{else}}{{.State.Status}}{{end}}' "${ids[@]}") || states=absent
        # Of several: the first that is not.
        state=$(grep -vxm 1 healthy <<<"$states") || state=healthy
      fi
      [ "$state" = "$last" ] || say "  $service: $state"
      last=$state
      [ "$state" = healthy ] && break
      [ $SECONDS -lt $deadline ] || fail "$service is not healthy: \`make logs\` says why."
      sleep 1
    done
  done
}

# Prints what /readyz of a container's service says. @returns 0 when it is ready.
readiness() { # container, port
  docker exec "$1" node -e "
    fetch('http://127.0.0.1:$2/readyz').then(async (r) => { console.log((await r.json()).words); process.exit(r.ok ? 0 : 1); })
      .catch(() => { console.log('does not answer yet'); process.exit(1); })" 2>/dev/null
}

# Waits until listener or power says that it can do its work. @returns 1 when it does not, its words told.
wait_ready() { # service, port, seconds
  local id words last= deadline=$((SECONDS + $3))
  for id in $(containers_of "$1"); do
    until words=$(readiness "$id" "$2"); do
      [ "$words" = "$last" ] || say "  $1 waits: $words"
      last=$words
      [ $SECONDS -lt $deadline ] || return 1
      sleep 1
    done
  done
  say "  $1: ready"
}
