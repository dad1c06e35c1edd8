#!/usr/bin/env bash
# Remakes docs/pictures: real sessions, drawn by `lifeguard screen --format svg`. Run by hand, after a build,
# by root: namespaces with a /srv and a host name of their own keep everything of this machine out of the pictures.
# Needs vim, htop, less and util-linux.
set -euo pipefail

checkout=$(cd "$(dirname "$0")/.." && pwd)
if [ "${1:-}" != inside ]; then
  exec unshare --mount --uts --pid --fork --kill-child --mount-proc "$checkout/scripts/take-pictures.sh" inside
fi

hostname shore
mount -t tmpfs none /srv
mkdir -p /srv/shop/{api,web,jobs} /srv/lifeguard /srv/user "$checkout/docs/pictures"
cp -r "$checkout/src" /srv/lifeguard/src

export LIFEGUARD_HOME=/srv/user/.lifeguard HOME=/srv/user SHELL=/bin/bash LANG=C.UTF-8 PATH="$checkout/bin:$PATH"
unset LIFEGUARD_SOCKET LIFEGUARD_STATE_DIR LIFEGUARD_RUNTIME_DIR LIFEGUARD_CONFIG LIFEGUARD_SESSION NO_COLOR
mkdir -p "$LIFEGUARD_HOME"
# So that nobody has to wait five minutes for a picture of `attention`, nor be quick for one of `error`.
printf '[session]\nattention_after_ms = 100\nerror_linger_ms = 600000\n' >"$LIFEGUARD_HOME/config.toml"

# A shell that says where its commands begin and how they end (OSC 133) and what it is about (OSC 2): see README, "What it shows".
cat >/srv/user/rc <<'RC'
PS0='\e]133;C\a'
PS1='\[\e]133;D;$?\a\e]133;A\a\]\[\e[1;32m\]ada@shore\[\e[0m\]:\[\e[1;34m\]\w\[\e[0m\]$ \[\e]133;B\a\]'
title() { printf '\e]2;%s\a' "$*"; }
RC
cat >/srv/user/vimrc <<'RC'
syntax on
set number numberwidth=4 cursorline nowrap laststatus=2 termguicolors background=dark title noswapfile nomodeline encoding=utf-8
set noshowmode noruler noshowcmd shortmess+=F splitbelow titlestring=vim\ restart-policy.ts
set statusline=\ %f%=%l:%c\ 
colorscheme habamax
highlight Normal guibg=NONE
highlight CursorLine guibg=#22242f
highlight CursorLineNr guibg=#22242f
highlight StatusLine guifg=#14161f guibg=#8fbfae gui=bold
highlight StatusLineNC guifg=#a0a4b8 guibg=#2a2d3b gui=NONE
highlight! link StatusLineTerm StatusLine
highlight! link StatusLineTermNC StatusLineNC
command Shell call term_start(['bash', '--rcfile', '/srv/user/rc', '-i'], #{term_name: 'bash', term_rows: 14})
RC

shell() { # NAME CWD COMMAND…: a shell in which COMMAND is typed
  local name=$1 cwd=$2
  shift 2
  lifeguard new --name "$name" --cwd "$cwd" --size 100x24 -- bash --rcfile /srv/user/rc -i >/dev/null
  shows "$name" 'ada@'
  [ "$#" -eq 0 ] || lifeguard send "$name" --enter -- "$*"
}

shows() { # NAME PATTERN: waits until its screen does
  local tries
  for tries in $(seq 300); do
    if lifeguard screen "$1" | grep -q "$2"; then return 0; fi
    sleep 0.1
  done
  echo "$1 never showed $2" >&2
  return 1
}

picture() { # NAME FILE
  lifeguard screen "$1" --format svg >"$checkout/docs/pictures/$2"
  if grep -qF -e "$checkout" -e /tmp/ "$checkout/docs/pictures/$2"; then
    echo "$2 shows a path of this machine" >&2
    return 1
  fi
}

trap 'lifeguard daemon stop --all >/dev/null' EXIT

lifeguard new --name review --cwd /srv/lifeguard --size 104x36 -- vim -u /srv/user/vimrc src/supervisor/restart-policy.ts >/dev/null
shows review 'Intensity is a sliding'

shell migrate /srv/shop/api "title 'migrate: 214 files checked'; sleep 11"
shell tests /srv/shop/api "title 'make test'; sh -c 'echo 1 test failed; exit 2'"
shell api /srv/shop/api "title 'api, port 8080'; tail -f /dev/null"
shell notes /srv/shop "title 'notes: nothing to do'"
shell docs /srv/shop/web "title 'less README'; seq 1000 | less"
lifeguard new --name monitor --cwd /srv/shop --size 100x24 -- htop >/dev/null
lifeguard new --name worker --cwd /srv/shop/jobs -- sh -c 'printf "\033]2;queue: 12 waiting\a"; while :; do echo job; sleep 0.3; done' >/dev/null
lifeguard new --name 'inbox' --cwd /srv/shop/jobs -- sh -c 'printf "\033]2;waits for mail\a"; exec cat' >/dev/null
lifeguard new --name nightly --cwd /srv/shop --restart on-failure -- sh -c 'printf "\033]2;nightly build\a"; exec sleep 100000' >/dev/null

lifeguard wait migrate --until attention --timeout 60s >/dev/null
lifeguard wait tests --until error --timeout 60s >/dev/null
lifeguard wait inbox --until idle --timeout 60s >/dev/null
lifeguard new --name top --cwd /srv/shop --size 104x16 -- sh -c 'printf "\033]2;lifeguard top\a"; exec lifeguard top' >/dev/null
shows top 'inbox'
lifeguard keys top j

# Below the file, a terminal of vim's own.
lifeguard send review --enter ':Shell'
shows review 'ada@'
lifeguard send review --enter 'lifeguard ls'
shows review 'inbox'
lifeguard wait top --until busy --timeout 10s >/dev/null
picture review screen.svg
picture top top.svg
ls -l "$checkout/docs/pictures"
