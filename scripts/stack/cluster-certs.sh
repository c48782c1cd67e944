#!/usr/bin/env bash
# Makes the certificates by which the hosts of a cluster know each other, on the first of them: an authority of their own,
# and one certificate a host of NATS_ROUTES. Run again it renews those that end within 60 days; RENEW=all: every one.
# RENEW=ca makes a new authority, and no host's certificate yet: first all hosts must trust it. Then RENEW=all has it sign
# them, and RENEW=all once more ends the trust in the one before.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
source "$here/compose.sh"
umask 077
command -v openssl >/dev/null || fail "openssl is missing: apt-get install openssl"
is_cluster_host || fail "This is no host of a cluster: docs/cluster.md says what to write into .env first."
own=$(setting CLUSTER_BIND)
mapfile -t hosts < <(setting NATS_ROUTES | tr ' ' '\n' | sed '/^$/d; s/:[0-9]*$//' | sort -u)
[ ${#hosts[@]} -gt 0 ] && [ -n "$own" ] || fail "NATS_ROUTES and CLUSTER_BIND in .env must name the hosts: docs/cluster.md says how."
printf '%s\n' "${hosts[@]}" | grep -xF -- "$own" >/dev/null || fail "CLUSTER_BIND=$own is none of the hosts in NATS_ROUTES (${hosts[*]})."

ca=secrets/cluster-ca
AUTHORITY_DAYS=3650
HOST_DAYS=800
RENEW_BEFORE_SECONDS=$((60 * 24 * 3600))
key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1" 2>/dev/null; }
made=()
lasts() { openssl x509 -in "$1" -noout -checkend "$RENEW_BEFORE_SECONDS" >/dev/null 2>&1; }

if [ ! -e $ca/cert.pem ] || [ "${RENEW:-}" = ca ]; then
  mkdir -p $ca.new
  key $ca.new/key.pem
  openssl req -x509 -new -key $ca.new/key.pem -sha256 -days $AUTHORITY_DAYS -out $ca.new/cert.pem -config <(cat <<'CONF'
[req]
distinguished_name = name
x509_extensions = authority
prompt = no
[name]
CN = GPU Power Manager cluster
[authority]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
CONF
  )
  [ ! -e $ca/cert.pem ] || cp $ca/cert.pem $ca.new/before.pem
  rm -rf $ca
  mv $ca.new $ca
elif [ "${RENEW:-}" = all ] && [ -e $ca/before.pem ]; then
  if [ -e $ca/signs ]; then rm $ca/before.pem; else : >$ca/signs; fi
fi
trusted() { sed -n '/BEGIN CERTIFICATE/,/END CERTIFICATE/p' $ca/*.pem; }

for host in "${hosts[@]}"; do
  dir=secrets/cluster-hosts/$host
  if [ "${RENEW:-}" != all ] && lasts "$dir/cert.pem"; then
    [ "$(trusted)" != "$(<"$dir/ca.pem")" ] || continue
    trusted >"$dir/ca.pem"
    made+=("$host")
    continue
  fi
  mkdir -p "$dir.new"
  key "$dir.new/key.pem"
  if [[ $host =~ ^[0-9.]+$ || $host == *:* ]]; then name=IP:$host; else name=DNS:$host; fi
  # localhost: a NATS client that was given an address asks the certificate for that name.
  openssl req -new -key "$dir.new/key.pem" -subj "/CN=$host" | openssl x509 -req -sha256 -days $HOST_DAYS \
    -CA $ca/cert.pem -CAkey $ca/key.pem -set_serial "0x$(openssl rand -hex 16)" -out "$dir.new/cert.pem" \
    -extfile <(printf '%s\n' "subjectAltName = $name, DNS:localhost, IP:127.0.0.1" "basicConstraints = critical, CA:FALSE" \
      "keyUsage = critical, digitalSignature" "extendedKeyUsage = serverAuth, clientAuth") 2>/dev/null
  trusted >"$dir.new/ca.pem"
  # Prometheus runs as its image's own user; the folder above is closed to everybody else.
  chmod 755 "$dir.new"
  chmod 644 "$dir.new"/*
  rm -rf "$dir"
  mv "$dir.new" "$dir"
  made+=("$host")
done

mkdir -p secrets/tls
cp -p "secrets/cluster-hosts/$own/"* secrets/tls/
give_to_owner secrets
[ ${#made[@]} -gt 0 ] || { say "Every certificate lasts for more than 60 days: nothing to renew."; exit 0; }
say "New for ${made[*]}. This host has its own in secrets/tls. Bring the others theirs, and run \`make up\` on each host:"
for host in "${hosts[@]}"; do
  [ "$host" = "$own" ] || echo "  ssh $host mkdir -p $(basename "$PWD")/secrets/tls && scp secrets/cluster-hosts/$host/* $host:$(basename "$PWD")/secrets/tls/"
done
