#!/usr/bin/env bash
# For sites without a registry: save FILE writes every image of the stack into one file, load FILE reads it.
set -euo pipefail
source "$(dirname "$0")/compose.sh"
file=${2:-gpu-power-images.tar}
case "${1:-}" in
  save)
    mapfile -t images < <(every config | sed -n 's/^ *image: //p' | tr -d "\"'" | sort -u)
    docker save -o "$file" "${images[@]}"
    say "Wrote $file with ${#images[@]} images. On the other machine: make images-load FILE=$file, then NO_BUILD=1 make up."
    ;;
  load) docker load -i "$file" ;;
  *) fail "Usage: images.sh save|load FILE" ;;
esac
