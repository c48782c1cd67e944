#!/usr/bin/env bash
# Names a Python that has CompShare's own command line, as a path on standard output; the tests of the stand-in run it.
# It is installed once from PyPI into a cache. Ends with 3, and a sentence, where there is no Python to do so.
set -euo pipefail

VERSION=0.5.6
SDK_VERSION=0.11.150
cache=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/gpu-power-manager
folder=$cache/compshare-cli-$VERSION

if [ ! -x "$folder/bin/python" ]; then
  if ! python3 -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 9))' 2>/dev/null; then
    echo "There is no Python 3.9 with venv here (Debian: python3-venv), so CompShare's own client is not run." >&2
    exit 3
  fi
  mkdir -p "$cache"
  work=$(mktemp -d "$cache/client.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  python3 -m venv "$work/venv"
  "$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    "compshare-cli==$VERSION" "ucloud-sdk-python3==$SDK_VERSION" >&2
  # Whoever was quicker has made the same.
  mv -T "$work/venv" "$folder" 2>/dev/null || [ -x "$folder/bin/python" ]
fi
echo "$folder/bin/python"
