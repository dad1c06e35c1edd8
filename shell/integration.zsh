# lifeguard's shell integration for zsh 5.3 and later. In ~/.zshrc, at its end:
#
#   (( $+commands[lifeguard] )) && eval "$(lifeguard shell-integration zsh)"
#
# Says where commands begin and end, with their text and status (OSC 133), and where the shell is (OSC 7). Does nothing outside a
# session of lifeguard (unless LIFEGUARD_SHELL_INTEGRATION is set: over ssh), and nothing twice.
if [[ -o interactive && -n ${LIFEGUARD_SESSION-}${LIFEGUARD_SHELL_INTEGRATION-} && -z ${TMUX-}${STY-} && ${TERM-} != dumb && ${__lifeguard_shell-} != $$ ]]; then
  typeset -g __lifeguard_shell=$$ __lifeguard_ran=0 __lifeguard_cwd= __lifeguard_title=@TITLE@

  __lifeguard_encode() {
    emulate -L zsh -o extended_glob -o no_multibyte
    REPLY=${1//(#m)[^A-Za-z0-9\/._~-]/%${(l:2::0:)$(([##16]#MATCH))}}
  }

  __lifeguard_precmd() {
    local exit_status=$?
    emulate -L zsh
    (( __lifeguard_ran )) && print -rn -- $'\e]133;D;'$exit_status';aid='$$$'\a'
    __lifeguard_ran=0
    if [[ $PWD != $__lifeguard_cwd ]]; then
      local REPLY
      __lifeguard_cwd=$PWD
      __lifeguard_encode $PWD
      print -rn -- $'\e]7;file://'$HOST$REPLY$'\a'
    fi
    [[ -n $__lifeguard_title ]] && print -rn -- $'\e]2;'${${(D)PWD}//[[:cntrl:]]/?}$'\a'
    print -rn -- $'\e]133;A;aid='$$$'\a'
    return 0
  }

  # What the history is told to leave out by a blank in front is not named here either.
  __lifeguard_preexec() {
    local private=
    [[ -o hist_ignore_space && ${1-} == ' '* ]] && private=1
    emulate -L zsh
    __lifeguard_ran=1
    local REPLY= text=
    if [[ -z $private ]]; then
      __lifeguard_encode ${${1:-${3-}}[1,1000]}
      [[ -n $REPLY ]] && text=';cmdline_url='$REPLY
      [[ -n $__lifeguard_title ]] && print -rn -- $'\e]2;'${1//[[:cntrl:]]/ }$'\a'
    fi
    print -rn -- $'\e]133;C;aid='$$$text$'\a'
    return 0
  }

  __lifeguard_line_init() { print -rn -- $'\e]133;B;aid='$$$'\a' }

  # First, so that nobody's has changed the status; the others keep their order.
  typeset -ga precmd_functions preexec_functions
  precmd_functions=(__lifeguard_precmd $precmd_functions)
  preexec_functions+=(__lifeguard_preexec)
  autoload -Uz add-zle-hook-widget && add-zle-hook-widget line-init __lifeguard_line_init 2>/dev/null
fi
