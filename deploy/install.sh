#!/bin/sh
# Installs the gateway on a Debian-like machine, such as a Raspberry Pi with a 64-bit
# system: program in /opt/casa, state in /var/lib/casa, settings in /etc/casa, a user
# `casa`, systemd units. Run it as root from a checkout; run it again to upgrade: settings,
# state and keys stay as they are.
set -eu
umask 022  # the gateway's user reads what root puts there

prefix="" dry_run=no packages=yes services=yes
source=$(cd "$(dirname "$0")/.." && pwd)

usage() {
  cat <<'TEXT'
usage: install.sh [--prefix DIR] [--dry-run] [--no-packages] [--no-services]

  --prefix DIR    install below DIR instead of / (no user is made, nothing is started)
  --dry-run       only print what would be done
  --no-packages   leave the environment to the first ./casa command
  --no-services   put the units there, start nothing
TEXT
}

while [ $# -gt 0 ]; do
  case $1 in
    --prefix) [ $# -ge 2 ] || { usage >&2; exit 2; }; prefix=${2%/}; shift ;;
    --prefix=*) prefix=${1#--prefix=}; prefix=${prefix%/} ;;
    --dry-run) dry_run=yes ;;
    --no-packages) packages=no ;;
    --no-services) services=no ;;
    -h | --help) usage; exit 0 ;;
    *) echo "install.sh: unknown option $1" >&2; usage >&2; exit 2 ;;
  esac
  shift
done
[ -z "$prefix" ] || services=no

program=$prefix/opt/casa
state=$prefix/var/lib/casa
settings=$prefix/etc/casa
units=$prefix/etc/systemd/system
sealed=$prefix/etc/credstore.encrypted/casa.device.key
parts="LICENSE README.md CHANGELOG.md casa manage.py requirements.txt
requirements-dev.txt casa_site deploy docs gwa_api hardware locale logbooks meters portal
schema tariffs"

say() { echo "install: $*"; }

fail() {
  echo "install.sh: $*" >&2
  exit 1
}

# Does one step, or shows it.
run() {
  if [ "$dry_run" = yes ]; then
    echo "would run: $*"
  else
    "$@"
  fi
}

is_root() { [ "$(id -u)" = 0 ]; }

check_machine() {
  python=$(command -v python3) || fail "python3 is missing: apt-get install python3-venv"
  "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "Python 3.11 or newer is needed"
  "$python" -c 'import venv, ensurepip' 2>/dev/null ||
    fail "venv is missing: apt-get install python3-venv"
  [ -n "$prefix" ] || [ "$dry_run" = yes ] || is_root || fail "run it as root"
}

make_user() {
  if [ -n "$prefix" ] || id casa >/dev/null 2>&1; then return; fi
  run useradd --system --user-group --home-dir "$state" --shell /usr/sbin/nologin casa
  run usermod --append --groups dialout casa
}

own() {
  if [ -z "$prefix" ] && is_root; then run chown "$@"; fi
}

# The program belongs to root: the gateway cannot change itself. What was there is moved
# aside and goes only when the new one is complete; the environment is taken along.
copy_program() {
  say "program to $program"
  run rm -rf "$program.new"
  run mkdir -p "$program.new"
  for part in $parts; do
    [ -e "$source/$part" ] || fail "$source/$part is missing: no whole checkout"
    run cp -R "$source/$part" "$program.new/$part"
  done
  run find "$program.new" -name __pycache__ -prune -exec rm -rf {} +
  if [ -d "$program" ]; then
    if [ -d "$program/.venv" ]; then run mv "$program/.venv" "$program.new/.venv"; fi
    run rm -rf "$program.old"
    run mv "$program" "$program.old"
  fi
  run mv "$program.new" "$program"
  run rm -rf "$program.old"
  own -R root:root "$program"
}

install_packages() {
  [ "$packages" = yes ] || return 0
  say "packages to $program/.venv, some minutes on a small machine"
  run env CASA_STATE="$state" "$program/casa" status --help >/dev/null
  run "$program/.venv/bin/python" -m compileall -q -x '/\.venv/' "$program"
}

make_folders() {
  run mkdir -p "$state" "$settings" "$units/casa.service.d" "$units/casa-backup.service.d"
  run chmod 700 "$state"
  run chmod 750 "$settings"
  own casa:casa "$state"
  own root:casa "$settings"
  if [ ! -e "$settings/casa.env" ]; then
    run cp "$source/deploy/casa.env.example" "$settings/casa.env"
    run chmod 640 "$settings/casa.env"
    own root:casa "$settings/casa.env"
  fi
}

# A device key that lies in the state folder already stays there (docs/backup.md tells
# how to move it); a new machine gets a sealed one.
seal_device_key() {
  if [ -e "$state/device.key" ] || [ -n "$prefix" ]; then return; fi
  command -v systemd-creds >/dev/null 2>&1 || return 0
  if [ ! -e "$sealed" ]; then
    say "device key, sealed, to $sealed: keep a copy of it elsewhere (docs/backup.md)"
    run mkdir -p "$(dirname "$sealed")"
    run chmod 700 "$(dirname "$sealed")"
    if [ "$dry_run" = yes ]; then
      echo "would run: systemd-creds encrypt --name=device.key - $sealed"
    else
      head -c 32 /dev/urandom | systemd-creds encrypt --name=device.key - "$sealed"
    fi
  fi
  for unit in casa.service casa-backup.service; do
    run cp "$source/deploy/casa.service.d/device-key.conf" "$units/$unit.d/"
  done
}

install_units() {
  for unit in casa.service casa-backup.service casa-backup.timer; do
    run cp "$source/deploy/$unit" "$units/$unit"
  done
  [ "$services" = yes ] || return 0
  run systemctl daemon-reload
  run systemctl enable casa.service casa-backup.timer
  run systemctl restart casa.service
  run systemctl start casa-backup.timer
}

check_machine
make_user
copy_program
install_packages
make_folders
seal_device_key
install_units
say "done; settings are in $settings/casa.env, ./casa doctor in $program looks at it all"
