#!/bin/sh
# A session's processes, awkward on purpose. $1: what kind. Prints "ready" once all of it is there.

# Three daemons of two processes each. They are waited for until the terminal's end cannot reach them any more.
daemons() {
  for i in 1 2 3; do
    (setsid sh -c 'echo up; exec >/dev/null; sleep 1000000 & exec sleep 1000000' </dev/null 2>/dev/null &)
  done | head -n 3 >/dev/null
}

case $1 in
  deaf) # ignores hang-up and TERM
    trap '' HUP TERM
    echo ready
    while :; do sleep 1000000; done ;;
  daemons) # grandchildren in sessions of their own, whose parents are gone
    daemons
    echo ready
    exec sleep 1000000 ;;
  leaver) # the leader goes, its daemons stay
    daemons
    echo ready
    exit 3 ;;
  crowd) # 200 children
    i=0
    while [ $i -lt 200 ]; do sleep 1000000 & i=$((i + 1)); done
    echo ready
    wait ;;
  bomb) # forks on and on, and ignores what can be ignored
    trap '' HUP TERM
    echo ready
    while :; do (trap '' HUP TERM; sleep 0.05; sleep 1000000) & sleep 0.01; done ;;
  stopped) # stopped, and would say goodbye when woken
    trap 'echo goodbye > "$2"; exit 0' HUP
    echo ready
    kill -STOP $$
    while :; do sleep 0.1; done ;;
esac
