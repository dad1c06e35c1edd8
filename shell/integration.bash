# lifeguard's shell integration for bash 4.4 and later. In ~/.bashrc, at its end:
#
#   command -v lifeguard >/dev/null && eval "$(lifeguard shell-integration bash)"
#
# Says where commands begin and end, with their text and status (OSC 133), and where the shell is (OSC 7). Does nothing outside a
# session of lifeguard (unless LIFEGUARD_SHELL_INTEGRATION is set: over ssh), nothing twice, and uses no DEBUG trap: other people's stay what they are.
if [[ $- == *i* && -n ${LIFEGUARD_SESSION-}${LIFEGUARD_SHELL_INTEGRATION-} && -z ${TMUX-}${STY-} && ${TERM-} != dumb && ${__lifeguard_shell-} != "$$" ]] &&
  ((BASH_VERSINFO[0] > 4 || (BASH_VERSINFO[0] == 4 && BASH_VERSINFO[1] >= 4))); then
  __lifeguard_shell=$$
  __lifeguard_ran=0
  __lifeguard_blind=0
  __lifeguard_number=
  __lifeguard_cwd=
  __lifeguard_void=
  __lifeguard_title=@TITLE@

  # The rest of OSC 133;C, in a subshell of PS0: the command as the history has it. What the history did not take (it begins with a
  # blank, or HISTCONTROL drops it for being the same again) is not named: the newest entry would be another command.
  __lifeguard_command() {
    \builtin local - entry
    \builtin set +eux
    entry=$(LC_ALL=C HISTTIMEFORMAT= \builtin history 1)
    entry=${entry#"${entry%%[![:blank:]]*}"}
    [[ ${entry%%[!0-9]*} == "$__lifeguard_number" ]] || \builtin return 0
    entry=${entry#*[[:blank:]]}
    entry=${entry#"${entry%%[![:blank:]]*}"}
    entry=${entry:0:1000}
    \builtin printf ';cmdline=%q' "$entry"
    if [[ -n $__lifeguard_title ]]; then \builtin printf '\a\e]2;%s' "${entry//[[:cntrl:]]/ }"; fi
  }

  # Before every prompt. bash gives each element of PROMPT_COMMAND the status of the last command, and the prompt too.
  __lifeguard_prompt() {
    \builtin local status="${1-$?}"
    \builtin local - LC_ALL=C at='' encoded='' char code i
    \builtin set +eux
    if ((__lifeguard_ran)); then \builtin printf '\e]133;D;%s;aid=%s\a' "$status" "$$"; fi
    __lifeguard_ran=$__lifeguard_blind
    if [[ $PWD != "$__lifeguard_cwd" ]]; then
      __lifeguard_cwd=$PWD
      if [[ $PWD == *[!A-Za-z0-9/._~-]* ]]; then
        for ((i = 0; i < ${#PWD}; i++)); do
          char=${PWD:i:1}
          if [[ $char != [A-Za-z0-9/._~-] ]]; then
            \builtin printf -v code '%d' "'$char"
            \builtin printf -v char '%%%02X' "$((code & 255))"
          fi
          encoded+=$char
        done
      else
        encoded=$PWD
      fi
      \builtin printf '\e]7;file://%s%s\a' "$HOSTNAME" "$encoded"
    fi
    if [[ -n $__lifeguard_title ]]; then at=${PWD//[[:cntrl:]]/?}; \builtin printf '\e]2;%s\a' "${at/#"${HOME-}"/\~}"; fi
    \builtin printf '\e]133;A;aid=%s\a' "$$"
    # Whoever sets the prompt anew each time has done so by now.
    if [[ ${PS1-} != *'133;B'* ]]; then PS1=${PS1-}'\[\e]133;B;aid='$$'\a\]'; fi
    # What the next command's number will be, if the history takes it.
    __lifeguard_number=$HISTCMD
    \builtin return 0
  }

  # The first expansion notes that a command runs, in this shell itself; it expands to nothing.
  if \builtin shopt -q promptvars; then
    PS0=${PS0-}'${__lifeguard_void:__lifeguard_ran=1:0}\e]133;C;aid='$$'$(__lifeguard_command)\a'
  else
    # The prompt runs nothing here: commands have no text, and whether one has run is for whoever reads the marks to tell.
    __lifeguard_blind=1
    PS0=${PS0-}'\e]133;C;aid='$$'\a'
  fi
  if ((BASH_VERSINFO[0] > 5 || (BASH_VERSINFO[0] == 5 && BASH_VERSINFO[1] >= 1))); then
    PROMPT_COMMAND=(${PROMPT_COMMAND+"${PROMPT_COMMAND[@]}"} __lifeguard_prompt)
  else
    PROMPT_COMMAND='__lifeguard_status=$?'${PROMPT_COMMAND:+$'\n'$PROMPT_COMMAND}$'\n''__lifeguard_prompt "$__lifeguard_status"'
  fi
fi
