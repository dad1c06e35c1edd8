#!/usr/bin/env bash
# usage: boot-systemd.sh COMMAND [ARG...]     (root; Debian's package systemd)
# Runs a command in a machine that has just come up with systemd: process 1 of pid, mount, cgroup and uts namespaces of their own,
# with /run, /etc/systemd and /var/log/journal of their own. Nothing else of the machine's may be touched, so every unit that a
# booting machine would start by itself (temporary files swept, sysctls set, devices, mounts) is masked but for the journal.
# Exits with the command's status, or 125 when systemd did not come up (its log is on stderr).
set -uo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat >"$work/boot" <<'BOOT'
#!/usr/bin/env bash
set -eu
mount --make-rprivate /
mount -t proc proc /proc
mount -t tmpfs tmpfs /run
mkdir -p /run/lock /run/user/0
mkdir -p "$WORK/etc-systemd/system" "$WORK/etc-systemd/user"
cp /etc/systemd/*.conf "$WORK/etc-systemd/" 2>/dev/null || true
mount --bind "$WORK/etc-systemd" /etc/systemd
for target in sysinit basic local-fs sockets timers multi-user graphical network network-online paths getty remote-fs swap; do
  for unit in /lib/systemd/system/"$target".target.wants/* /etc/systemd/system/"$target".target.wants/*; do
    name=${unit##*/}
    case $name in
      '*' | systemd-journald*) ;;
      *) ln -sf /dev/null "/etc/systemd/system/$name" ;;
    esac
  done
done
for name in systemd-tmpfiles-setup.service systemd-tmpfiles-setup-dev.service systemd-tmpfiles-clean.service systemd-tmpfiles-clean.timer \
  systemd-remount-fs.service systemd-update-utmp.service systemd-random-seed.service systemd-sysctl.service systemd-journal-flush.service; do
  ln -sf /dev/null "/etc/systemd/system/$name"
done
printf '[Journal]\nStorage=volatile\nForwardToConsole=no\n' >/etc/systemd/journald.conf
printf '[Unit]\nDescription=a machine for tests\nDefaultDependencies=no\n' >/etc/systemd/system/boot-systemd.target
hostname boot-systemd
export container=unshare
exec /lib/systemd/systemd --system --unit=boot-systemd.target --log-target=console --log-level=notice --show-status=no
BOOT
chmod +x "$work/boot"

WORK=$work unshare --fork --pid --mount --cgroup --uts --kill-child "$work/boot" >"$work/log" 2>&1 &
outer=$!
init=
up=no
for _ in $(seq 200); do
  [ -n "$init" ] || init=$(pgrep -P "$outer" | head -n 1)
  if [ -n "$init" ] && nsenter -t "$init" -a systemctl is-system-running 2>/dev/null | grep -qE 'running|degraded|starting'; then
    up=yes
    break
  fi
  kill -0 "$outer" 2>/dev/null || break
  sleep 0.1
done
if [ "$up" = yes ]; then
  nsenter -t "$init" -a --wd="$PWD" "$@"
  status=$?
else
  cat "$work/log" >&2
  status=125
fi
[ -n "$init" ] && kill -KILL "$init" 2>/dev/null
wait "$outer" 2>/dev/null
exit "$status"
