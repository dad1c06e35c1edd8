#!/bin/sh
# Who waits for a person? One line for each session in `attention` or `error`, the longest first, with the last line of its screen;
# then whether anything still works. Needs jq. With --follow it goes on, a line for each that comes to need somebody.
#
#   needs-me.sh | while read -r id rest; do …; done
set -eu

last_line() { # ID: the last line of its screen that is not blank
  lifeguard api call session.screen "$(jq -n --arg id "$1" '{id: $id}')" |
    jq -r '[.text | split("\n")[] | select(test("\\S"))] | last // ""'
}

listed=$(lifeguard api call session.list '{"fields": ["id", "name", "state", "state_since"]}')
printf '%s' "$listed" |
  jq -r '.sessions | map(select(.state == "attention" or .state == "error")) | sort_by(.state_since)[]
         | [.id, .name, .state, "\((now * 1000 - .state_since) / 60000 | floor)m"] | @tsv' |
  while IFS="$(printf '\t')" read -r id name state age; do
    printf '%s\t%s\t%s\t%s\t%s\n' "$id" "$name" "$state" "$age" "$(last_line "$id")"
  done

lifeguard ls --json | jq -r '.sessions | map(select(.state == "busy")) | "\(length) busy"' >&2

[ "${1:-}" = --follow ] || exit 0
# From the moment of the list on: what changed while it was printed is told too.
lifeguard events --kinds session.state --since "$(printf '%s' "$listed" | jq -r '"\(.cursor.boot):\(.cursor.seq)"')" |
  jq -r --unbuffered 'select(.to == "attention" or .to == "error") | [.session, .to, .evidence.detail] | @tsv'
