#!/usr/bin/env bash
# Writes .stack/prometheus.yml: the project's own configuration, with the listeners and powers of the other hosts that
# METRICS_HOSTS names. Into the same file: the container's mount follows the file, not its name.
set -euo pipefail
source "$(dirname "$0")/compose.sh"
mkdir -p -m 700 .stack
hosts=$(setting METRICS_HOSTS)
targets() { local host; for host in $hosts; do printf '"%s:%s", ' "$host" "$1"; done | sed 's/, $//'; }
new=$(
  cat prometheus/prometheus.yml
  [ -z "$hosts" ] || for job in listener:9101 power:9102; do
    cat <<YAML
  - job_name: ${job%:*} on other hosts
    honor_labels: true
    scheme: https
    tls_config: { ca_file: /run/tls/ca.pem, cert_file: /run/tls/cert.pem, key_file: /run/tls/key.pem }
    static_configs: [{ targets: [$(targets "${job#*:}")] }]
    # The rules know them by the name of the service.
    relabel_configs: [{ target_label: job, replacement: ${job%:*} }]
YAML
  done
)
[ "$new" = "$(cat .stack/prometheus.yml 2>/dev/null)" ] || printf '%s\n' "$new" >.stack/prometheus.yml
chmod 644 .stack/prometheus.yml
