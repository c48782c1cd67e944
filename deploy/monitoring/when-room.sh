#!/bin/sh
# Starts a program when its disk has room. What a crash on a full disk has left, Prometheus repairs by writing it anew:
# where there is no room for that, everything of the last hours is gone.
# $1: the folder. $2: MB that have to be free. Then the program and its arguments.
folder=$1
needed=$2
shift 2
told=
while free=$(df -Pm "$folder" | awk 'NR == 2 { print $4 }') && [ "$free" -lt "$needed" ]; do
  [ -n "$told" ] || echo "$1 is not started: $folder has $free MB left, and a repair may need $needed. Make room on that disk; it starts by itself." >&2
  told=1
  sleep 2
done
exec "$@"
