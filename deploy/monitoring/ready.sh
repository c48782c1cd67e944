#!/bin/sh
# A container's health check where its server wants a login: is it ready, asked as the user admin? Not by wget, in whose
# command line every user of the host could read the password.
# $1: the file of the password. $2: the port on loopback.
token=$(printf 'admin:%s' "$(cat "$1")" | base64)
printf 'GET /-/ready HTTP/1.0\r\nAuthorization: Basic %s\r\n\r\n' "$token" | nc 127.0.0.1 "$2" | head -n 1 | grep -q ' 200 '
