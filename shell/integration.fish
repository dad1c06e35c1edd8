# lifeguard's shell integration for fish 3.1 and later. In ~/.config/fish/config.fish:
#
#   command -q lifeguard; and lifeguard shell-integration fish | source
#
# Says where commands begin and end, with their text and status (OSC 133), and where the shell is (OSC 7). Does nothing outside a
# session of lifeguard (unless LIFEGUARD_SHELL_INTEGRATION is set: over ssh), and nothing twice. fish 4 says all but the title by itself.
if status is-interactive; and string length -q -- "$LIFEGUARD_SESSION$LIFEGUARD_SHELL_INTEGRATION"; and not set -q TMUX; and not set -q STY; and test "$TERM" != dumb; and test "$__lifeguard_shell" != $fish_pid
    set -g __lifeguard_shell $fish_pid
    set -g __lifeguard_title @TITLE@
    set -g __lifeguard_cwd

    if test (string split . -- $version)[1] -lt 4
        set -g __lifeguard_ran 0

        function __lifeguard_preexec --on-event fish_preexec
            set -g __lifeguard_ran 1
            set -l text
            # What the history leaves out for a blank in front is not named here either.
            if not string match -q ' *' -- "$argv[1]"
                set text ';cmdline_url='(string sub -l 1000 -- "$argv[1]" | string collect | string escape --style=url | string join '%0A')
            end
            printf '\e]133;C;aid=%s%s\a' $fish_pid "$text"
        end

        function __lifeguard_postexec --on-event fish_postexec
            set -l code $status
            test $__lifeguard_ran = 1; and printf '\e]133;D;%s;aid=%s\a' $code $fish_pid
            set -g __lifeguard_ran 0
        end

        function __lifeguard_prompt --on-event fish_prompt
            if test "$PWD" != "$__lifeguard_cwd"
                set -g __lifeguard_cwd $PWD
                printf '\e]7;file://%s%s\a' $hostname (string escape --style=url -- "$PWD" | string join '%0A')
            end
            printf '\e]133;A;aid=%s\a' $fish_pid
        end
    end

    if test -n "$__lifeguard_title"
        # fish calls this one when its title is to be set, and writes the OSC itself.
        function fish_title
            set -q argv[1]; and test -n "$argv[1]"; and echo $argv[1]; or prompt_pwd
        end
    end
end
