#!/usr/bin/env bash
# Writes the web configurations of Prometheus and Alertmanager: the user admin, with the hash of the password in
# secrets/prometheus-admin and secrets/alertmanager-admin. Prints "changed" when a password is another one than before.
set -euo pipefail
source "$(dirname "$0")/compose.sh"
umask 077
services=(prometheus alertmanager)

# A line in: the hash of before, a tab, the password. A line out: that hash where it still fits, else a new one.
# By Perl, which is in each Debian image and knows bcrypt: what passes through stays out of every command line.
program='
  my @letters = (".", "/", "A".."Z", "a".."z", 0..9);
  while (<STDIN>) {
    chomp;
    my ($old, $password) = split /\t/, $_, 2;
    die "A password is empty.\n" if $password eq "";
    if ($old ne "" && crypt($password, $old) eq $old) { print "$old\n"; next }
    open my $random, "<:raw", "/dev/urandom" or die $!;
    read($random, my $bytes, 21) == 21 or die "There is no randomness.\n";
    my $salt = join "", map { $letters[$_ & 63] } unpack "C*", $bytes;
    my $hash = crypt($password, "\$2b\$10\$${salt}u");
    die "This Perl knows no bcrypt.\n" unless $hash =~ /^\$2b\$10\$.{53}$/;
    print "$hash\n";
  }'
old=() hashes=()
for service in "${services[@]}"; do old+=("$(sed -n 's/^  admin: "\(.*\)"$/\1/p' "secrets/$service-web.yml")"); done
mapfile -t hashes < <(
  for index in "${!services[@]}"; do printf '%s\t%s\n' "${old[index]}" "$(<"secrets/${services[index]}-admin")"; done |
    helper -i --user "$APP_UID:$APP_GID" --entrypoint perl "$(tool_image)" -e "$program"
)
[ ${#hashes[@]} -eq ${#services[@]} ] || fail "The logins of Prometheus and Alertmanager cannot be made; see above."
changed=
for index in "${!services[@]}"; do
  [ "${hashes[index]}" = "${old[index]}" ] || {
    # Into the same file: the container's mount follows the file, not its name.
    printf 'basic_auth_users:\n  admin: "%s"\n' "${hashes[index]}" >"secrets/${services[index]}-web.yml"
    changed=changed
  }
done
echo "$changed"
