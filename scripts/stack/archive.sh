# Sourced: a backup's file. A tar of compressed pieces, so that it can be written without a second copy of anything and
# checked piece by piece:
#   manifest              what it is, a setting a line
#   SHA256SUMS            of all the others
#   settings.tar.gz       .env, secrets, config
#   streams.tar           NATS' own snapshots of its streams
#   volume-NAME.tar.gz    what a volume holds
archive_format=2
archive_piece() { tar -xOf "$1" "$2"; }
archive_manifest() { archive_piece "$1" manifest | sed -n "s/^$2=//p"; }

# Reads the whole of it. Fails with what is wrong; a backup that passes can be unpacked.
archive_check() { # file
  local file=$1 names name sum piece format
  names=$(tar -tf "$file" 2>/dev/null) || {
    if tar -tzf "$file" 2>/dev/null | grep -x volumes.tar >/dev/null; then
      fail "$file was made by a version before backups had a manifest: restore it with the version that made it, then upgrade."
    fi
    fail "$file is no backup of this stack, or is cut off."
  }
  format=$(archive_manifest "$file" format 2>/dev/null) || fail "$file is no backup of this stack: it has no manifest."
  [[ $format =~ ^[0-9]+$ ]] || fail "$file is no backup of this stack: its manifest names no format."
  [ "$format" -le "$archive_format" ] || fail "$file was made by a newer version (format $format): upgrade, then restore it."
  for name in $names; do
    case $name in
      manifest | SHA256SUMS | settings.tar.gz | streams.tar | volume-*.tar.gz) ;;
      *) fail "$file holds $name, which no backup of this stack does." ;;
    esac
  done
  while read -r sum piece; do
    grep -qxF -- "$piece" <<<"$names" || fail "$file lacks $piece: it is cut off."
    [ "$(archive_piece "$file" "$piece" | sha256sum | cut -d' ' -f1)" = "$sum" ] || fail "$file is damaged or cut off: $piece is not what was written."
  done < <(archive_piece "$file" SHA256SUMS)
  for piece in manifest settings.tar.gz streams.tar; do
    archive_piece "$file" SHA256SUMS | grep "  $piece\$" >/dev/null || fail "$file lacks $piece: it is not whole."
  done
}
archive_volumes() { tar -tf "$1" | sed -n 's/^volume-\(.*\)\.tar\.gz$/\1/p'; }
# Bytes of a volume, or of the streams, once unpacked.
archive_volume_bytes() { archive_piece "$1" "volume-$2.tar.gz" | gzip -dc | wc -c; }
