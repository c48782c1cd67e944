#!/usr/bin/env bash
# Tells of every line of .env that changes nothing: an unknown name with the nearest that exists, a secret that lies
# elsewhere, a line that is no setting. Only tells: a person's own override file may well use names of its own.
# Usage: check-env.sh [.env [.env.example]]
set -euo pipefail
cd "$(dirname "$0")/../.."
awk '
  # The fewest letters to add, take away or exchange that make one word of the other.
  function distance(a, b,    i, j, cost, row, before, kept) {
    for (j = 0; j <= length(b); j++) row[j] = j
    for (i = 1; i <= length(a); i++) {
      before = row[0]; row[0] = i
      for (j = 1; j <= length(b); j++) {
        kept = row[j]
        cost = before + (substr(a, i, 1) != substr(b, j, 1))
        if (row[j] + 1 < cost) cost = row[j] + 1
        if (row[j - 1] + 1 < cost) cost = row[j - 1] + 1
        before = kept; row[j] = cost
      }
    }
    return row[length(b)]
  }
  function nearest(name,    each, best, found, far) {
    # Beyond a third of its letters a word is another word.
    best = length(name) / 3
    for (each in known) {
      # A name cut short, or with more behind it, is meant for sure.
      far = index(each, name) == 1 || index(name, each) == 1 ? 1 : distance(name, each)
      if (far < best || (far == best && (found == "" || each < found))) { best = far; found = each }
    }
    return found
  }
  BEGIN {
    home["DSP_REDIS_URL"] = "secrets/dsp-redis-url"
    home["CONSOLE_PASSWORD"] = "secrets/console-password"
    home["PROVIDER_PRIVATE_KEY"] = "secrets/provider-private-key"
    home["SESSION_KEY"] = "secrets/session-key"
    home["OPERATOR_TOKEN"] = "secrets/operator-token"
    home["PROMETHEUS_PASSWORD"] = "secrets/prometheus-admin"
    home["VIEWER_TOKEN"] = "secrets/viewer-token"
    home["NATS_PASSWORD"] = "secrets/, where `make up` writes it"
  }
  { sub(/\r$/, "") }
  FNR == NR { if (match($0, /^#?[A-Z][A-Z0-9_]*=/)) { sub(/^#/, ""); sub(/=.*/, ""); known[$0] = 1 } next }
  /^[ \t]*(#|$)/ { next }
  !/^[A-Za-z_][A-Za-z0-9_]*=/ {
    # Not the line itself: it may hold a secret.
    printf ".env, line %d is no setting: write NAME=value, without a blank before the = and without \"export\".\n", FNR
    next
  }
  {
    name = $0; sub(/=.*/, "", name)
    base = name; sub(/_FILE$/, "", base)
    if (name in known) next
    if (base in home) printf ".env, line %d: %s is not taken from here; it belongs in %s. Take the line out.\n", FNR, name, home[base]
    else {
      near = nearest(toupper(name))
      printf ".env, line %d: no setting is called %s; %s\n", FNR, name, near == "" ? ".env.example lists them all." : "did you mean " near "?"
    }
  }
' "${2:-.env.example}" "${1:-.env}" >&2
