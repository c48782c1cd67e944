#!/usr/bin/env bash
# First run: writes .env, generates secrets, writes the pool file. Never changes what a person may have changed.
set -euo pipefail
source "$(dirname "$0")/compose.sh"
umask 077
[ -n "${RESTORING:-}" ] || [ ! -e .stack/restore/state ] || [ "$(<.stack/restore/state)" = done ] ||
  fail "A restore was cut off here: \`make restore-undo\` goes back to what was here before it."

[ -f .env ] || { cp .env.example .env; chmod 600 .env; say "Wrote .env."; }
scripts/stack/check-env.sh
grep -q '^APP_UID=.' .env && grep -q '^APP_GID=.' .env || { keep_setting APP_UID "$APP_UID"; keep_setting APP_GID "$APP_GID"; }

mkdir -p secrets config/profiles config/ca
random() { head -c 32 /dev/urandom | base64 | tr -d '/+=\n'; }
secret() { [ -e "secrets/$1" ] || printf '%s' "${2-$(random)}" >"secrets/$1"; }
secret nats-listener
secret nats-power
secret nats-setup
secret nats-route
secret session-key
secret operator-token
secret viewer-token
secret grafana-admin
secret prometheus-admin
secret alertmanager-admin
secret console-password ""
secret provider-private-key ""
secret dsp-redis-url ""
secret alertmanager.yml ""
secret robots.json ""
# Neither starts with this: without a login they would answer everybody. `make up` writes the logins.
secret prometheus-web.yml "no login yet"
secret alertmanager-web.yml "no login yet"
printf 'LISTENER_PASSWORD: "%s"\nPOWER_PASSWORD: "%s"\n' "$(<secrets/nats-listener)" "$(<secrets/nats-power)" \
  >secrets/nats-passwords.conf
printf 'SETUP_PASSWORD: "%s"\n' "$(<secrets/nats-setup)" >secrets/nats-setup.conf
routes=$(setting NATS_ROUTES)
if is_cluster; then routes=${routes:-nats:6222 nats-2:6222 nats-3:6222}; fi
tls=
if is_cluster_host; then
  for file in ca.pem cert.pem key.pem; do
    [ -s "secrets/tls/$file" ] || fail "This host has no certificate in secrets/tls: run \`make cluster-certs\` on the first host, which says how to bring it here."
  done
  [[ ,$(setting NATS_URL) != *,nats://* ]] || fail "NATS_URL in .env must name the servers by tls://: between hosts everything is encrypted."
  tls=/run/tls
  mkdir -p config/ca
  # Beside the authorities of one's own, where both services look for whom to trust.
  cmp -s secrets/tls/ca.pem config/ca/cluster.pem || cp secrets/tls/ca.pem config/ca/cluster.pem
  scripts/stack/prometheus-hosts.sh
fi
scripts/stack/nats-cluster.sh "$routes" "$(<secrets/nats-route)" "$tls" >secrets/nats-cluster.conf

if is_demo; then
  # Written over, not removed first: a power that runs would find them gone for a moment.
  mkdir -p config/demo/profiles
  cp deploy/demo/pool.yaml config/demo/
  # In containers the stand-ins have names instead of loopback addresses, and the login can be done by power.
  sed -e 's#http://127.0.0.1:1808#http://sim-console:1808#' \
    -e 's#^  urlContains: login#&\n  fields: { user: "input[name=username]", password: "input[name=password]", submit: "button[type=submit]" }#' \
    profiles/demo.yaml >config/demo/profiles/demo.yaml
else
  for profile in profiles/*.yaml; do
    own=config/$profile
    if [ ! -e "$own" ]; then cp "$profile" "$own"
    elif ! cmp -s "$profile" "$own"; then say "  $own is yours and is kept; it differs from the $profile of this version."
    fi
  done
  pool=$(setting POOL)
  pool=${pool:-default}
  id=$(setting GPU_PROVIDER_ID)
  if [ ! -e config/pool.yaml ]; then
    problems=()
    [[ $id =~ ^[A-Za-z0-9_.:-]+$ ]] || problems+=("GPU_PROVIDER_ID in .env must be the provider's id of the machine, such as uhost-1a2b3c.")
    price=$(setting GPU_PRICE_PER_HOUR)
    # Without it the provider's own price counts.
    [[ $price =~ ^([0-9]+(\.[0-9]+)?)?$ ]] || problems+=("GPU_PRICE_PER_HOUR in .env must be a number such as 1.88, or empty: then the provider's own price counts.")
    [ -f "profiles/$(setting PROFILE).yaml" ] || problems+=("PROFILE in .env must be the name of a file in profiles/, such as compshare.")
    [ ${#problems[@]} -eq 0 ] || fail "${problems[@]}"
    cat >config/pool.yaml <<YAML
# The machines, and what may be done with them. A change is taken up within seconds. README.md lists all settings.
pool: $pool
profile: $(setting PROFILE)
instances:
  - { id: gpu-1, providerId: "$id", priority: 1, ${price:+pricePerHour: $price, }currency: CNY }
YAML
    say "Wrote config/pool.yaml."
  elif [ -n "$id" ] && ! grep -qF -- "$id" config/pool.yaml; then
    say "  config/pool.yaml is kept as it is; it does not name $id, the GPU_PROVIDER_ID of .env."
  fi
  named=$(sed -nE 's/^pool: *"?([A-Za-z0-9_-]+)"? *(#.*)?$/\1/p' config/pool.yaml)
  [ "${named:-$pool}" = "$pool" ] || fail "config/pool.yaml names the pool $named, and the listener would tell of jobs for the pool $pool: write POOL=$named into .env."
fi

chmod -R go-rwx secrets config
# Prometheus and Alertmanager run as their images' own user. The folder is closed to everybody else on this machine.
chmod 644 secrets/{alertmanager,{prometheus,alertmanager}-web}.yml secrets/{prometheus,alertmanager}-admin
[ ! -d secrets/tls ] || chmod -R go+rX secrets/tls
give_to_owner secrets config
