#!/usr/bin/env bash
# First run: writes .env, generates secrets, writes the pool file. Never changes what is there already.
set -euo pipefail
source "$(dirname "$0")/compose.sh"
umask 077

[ -f .env ] || { cp .env.example .env; chmod 600 .env; say "Wrote .env."; }

mkdir -p secrets config
random() { head -c 32 /dev/urandom | base64 | tr -d '/+=\n'; }
secret() { [ -e "secrets/$1" ] || printf '%s' "${2-$(random)}" >"secrets/$1"; }
secret nats-listener
secret nats-power
secret session-key
secret grafana-admin
secret console-password ""
secret dsp-redis-url ""
printf 'LISTENER_PASSWORD: "%s"\nPOWER_PASSWORD: "%s"\n' "$(<secrets/nats-listener)" "$(<secrets/nats-power)" \
  >secrets/nats-passwords.conf

rm -rf config/profiles
mkdir config/profiles
cp profiles/*.yaml config/profiles/
if is_demo; then
  # In containers the stand-ins have names instead of loopback addresses, and the login can be done by power.
  sed -e 's#http://127.0.0.1:1808#http://sim-console:1808#' \
    -e 's#^  urlContains: login#&\n  fields: { user: "input[name=username]", password: "input[name=password]", submit: "button[type=submit]" }#' \
    profiles/demo.yaml >config/profiles/demo.yaml
  cp deploy/demo/pool.yaml config/pool.yaml
  printf 'only-for-the-stand-in' >secrets/console-password
  printf 'redis://redis:6379' >secrets/dsp-redis-url
  touch config/.demo
elif [ -e config/.demo ] || [ ! -e config/pool.yaml ]; then
  id=$(setting GPU_PROVIDER_ID)
  [ -n "$id" ] || fail "GPU_PROVIDER_ID in .env is empty: fill in the provider's id of the machine."
  price=$(setting GPU_PRICE_PER_HOUR)
  [[ $price =~ ^[0-9]+(\.[0-9]+)?$ ]] || fail "GPU_PRICE_PER_HOUR in .env must be a number such as 1.88."
  cat >config/pool.yaml <<YAML
pool: default
profile: $(setting PROFILE)
instances:
  - { id: gpu-1, providerId: "$id", priority: 1, pricePerHour: $price, currency: CNY }
YAML
  # What the demo had put in is no use for the real console.
  [ ! -e config/.demo ] || { : >secrets/console-password; : >secrets/dsp-redis-url; rm config/.demo; }
fi
[ "$(id -u)" -ne 0 ] || chown -R 10001:10001 secrets config
