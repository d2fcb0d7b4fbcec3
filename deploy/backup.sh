#!/bin/sh
# Writes STATE into FOLDER as casa-<time>.backup, which only the private key that belongs
# to PUBLIC-KEY opens, and keeps the newest fourteen.
set -eu
if [ $# -ne 3 ]; then
  echo "usage: backup.sh STATE FOLDER PUBLIC-KEY" >&2
  exit 2
fi
state=$1 folder=$2 key=$3
program=$(cd "$(dirname "$0")/.." && pwd)
umask 077
mkdir -p "$folder"
CASA_STATE=$state "$program/casa" manage backup \
  "$folder/casa-$(date -u +%Y%m%dT%H%M%SZ).backup" --recipient "$key"
# The names sort by time; what is older than the newest fourteen goes.
find "$folder" -maxdepth 1 -name 'casa-*.backup' | sort -r | tail -n +15 |
  while IFS= read -r old; do rm -f -- "$old"; done
