# Sourced by the scripts beside it: finds compose and says which profile runs. Not run by itself.
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

say() { printf '\033[1m%s\033[0m\n' "$*" >&2; }
fail() { printf '%s\n' "$@" >&2; exit 1; }

# Read, never sourced: a value in .env may hold what a shell would run.
setting() { sed -n "s/^$1=//p" .env 2>/dev/null | tail -n 1; }

if docker compose version >/dev/null 2>&1; then compose_command=(docker compose)
elif command -v docker-compose >/dev/null; then compose_command=(docker-compose)
else fail "Docker Compose is missing: install it (Debian and Ubuntu: apt-get install docker.io docker-compose) and try again."
fi

is_demo() { [ -z "$(setting DSP_URL)" ]; }

export APP_UID APP_GID DSP_REDIS_URL_FILE CONFIG_DIR=./config
# Secrets are readable by one user only, so the containers run as that user; root lends them 10001.
APP_UID=$(id -u); APP_GID=$(id -g)
if [ "$APP_UID" -eq 0 ]; then APP_UID=10001; APP_GID=10001; fi
DSP_REDIS_URL_FILE=
[ -s secrets/dsp-redis-url ] && DSP_REDIS_URL_FILE=/run/secrets/dsp-redis-url
if is_demo; then
  export DSP_URL=ws://sim-dsp:18070/dsp CONSOLE_USER=operator COMPOSE_PROFILES=demo
fi

compose() { "${compose_command[@]}" "$@"; }
every() { compose --profile demo "$@"; }

# Waits until each named service is healthy. @stderr progress, one line a change.
wait_healthy() {
  local service id state last deadline=$((SECONDS + ${WAIT_SECONDS:-180}))
  for service in "$@"; do
    last=
    while :; do
      id=$(compose ps -q "$service")
      state=$([ -n "$id" ] && docker inspect -f '{{if .State.Health}}{{.State.Health.Status}}{{else}}{{.State.Status}}{{end}}' "$id" || echo absent)
      [ "$state" = "$last" ] || say "  $service: $state"
      last=$state
      [ "$state" = healthy ] && break
      [ $SECONDS -lt $deadline ] || fail "$service is not healthy: \`make logs\` says why."
      sleep 1
    done
  done
}
