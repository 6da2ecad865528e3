# SPDX-License-Identifier: MIT
# Completion of shmfsctl for fish: verbs, options, stores, keys.
# What there is to complete `shmfsctl help` says, so nothing here goes stale: verbs, options with
# what they do, the values in --log-full=trim|refuse, and from the usage what an operand is.

function __shmfsctl_verbs
    shmfsctl help 2>/dev/null | sed -n '/^Verbs/,/^$/s/^  \([a-z]*\)  *\(.*\)/\1\t\2/p'
end

# The words before the one that is typed, without the program.
function __shmfsctl_words
    set -l words (commandline -opc)
    string join \n -- $words[2..-1]
end

# Options of the verb, "--name=" and what it does; a value where it is one of a few.
function __shmfsctl_options
    set -l verb (__shmfsctl_words)[1]
    shmfsctl help $verb 2>/dev/null |
        sed -n -E 's/^  (-., )?(--[a-z-]+=?)([^ ]*) *(.*)/\2\t\3\t\4/p' |
        while read -l -d \t option arg text
            if string match -q '*|*' -- $arg
                for value in (string split '|' -- $arg)
                    string match -q -r '[A-Z]' -- $value; or printf '%s%s\n' $option $value
                end
            else if test $option = --from=
                printf '%s\n' --from=begin --from=end
                __shmfsctl_cursors --from=cursor:
            end
            printf '%s\t%s\n' $option $text
        end
end

# Which operand is typed: its name in the usage, and that of the one behind.  Sets store and as too.
function __shmfsctl_kind --no-scope-shadowing
    set -l words (__shmfsctl_words)
    set -l verb $words[1]
    set -l takes (shmfsctl help $verb 2>/dev/null | sed -n -E 's/^  (-., )?(--[a-z-]+)=.*/\1\2/p' |
        string replace ', ' \n)
    set -l ended
    set -l kinds (shmfsctl help $verb 2>/dev/null |
        sed -n '1{s/.*\[OPTION\.\.\.\]//;s/[][]//g;p;}' | string match -a -r '\S+')
    set -l skip 0
    set -l n 0
    for word in $words[2..-1]
        if test $skip = 1
            set skip 0
        else if test -n "$ended"; or not string match -q -- '-?*' $word
            set n (math $n + 1)
            test $n = 1; and set store $word
        else if test $word = --
            set ended ended
        else if contains -- $word --name --key-file
            set as $word
        else if contains -- $word $takes
            set skip 1
        else if not string match -q -- '--*' $word; and contains -- -(string sub -s -1 -- $word) $takes
            set skip 1
        end
    end
    if test -n "$SHMFS_STORE" -a "$kinds[1]" = STORE
        # it may have been left out
        test "$store" = @ -o $n = 0 -o -e "$store"; or set n (math $n + 1)
        test -e "$store"; or set store $SHMFS_STORE
    end
    set kind $kinds[(math $n + 1)]
    set next (string replace ... '' -- $kinds[(math $n + 2)])
    if test -z "$kind"; and string match -q '*...' -- $kinds[-1]
        set kind $kinds[-1]
    end
    set kind (string replace ... '' -- "$kind")
end

function __shmfsctl_keys -a store as
    test -f "$store"; or return
    if test "$as" = --name
        shmfsctl ls --name -- $store 2>/dev/null | head -n 1000
    else
        shmfsctl ls -- $store 2>/dev/null | head -n 1000
    end
end

function __shmfsctl_cursors -a prefix store
    if test -z "$store"
        set -l as
        set -l kind
        set -l next
        __shmfsctl_kind
    end
    test -f "$store"; or return
    shmfsctl cursor -- $store list 2>/dev/null | while read -l a b c d name
        printf '%s%s\n' $prefix $name
    end
end

function __shmfsctl_operands
    set -l store
    set -l as
    set -l kind
    set -l next
    __shmfsctl_kind
    __shmfsctl_operand $kind
    # STORE can be left out
    if test "$kind" = STORE -a -n "$SHMFS_STORE"
        printf '@\tthe store of SHMFS_STORE\n'
        contains -- "$next" KEY FROM PLACE; or string match -q '*|*' -- "$next"
        and test "$as" != --key-file
        and __shmfsctl_operand $next
    end
end

function __shmfsctl_operand --no-scope-shadowing
    set -l typed (commandline -ct)
    switch $argv[1]
        case STORE FILE DEST DIR SOURCE
            __fish_complete_path $typed
        case KEY FROM TO
            if test "$as" = --key-file
                __fish_complete_path $typed
            else
                __shmfsctl_keys $store $as
            end
        case NAME
            __shmfsctl_cursors '' $store
        case PLACE
            printf '%s\n' begin end
            __shmfsctl_cursors cursor: $store
        case VERB
            __shmfsctl_verbs
        case '*|*'
            for value in (string split '|' -- $argv[1])
                string match -q -r '[A-Z]' -- $value; or echo $value
            end
    end
end

function __shmfsctl_has_verb
    test (count (commandline -opc)) -gt 1
end

function __shmfsctl_types_option
    __shmfsctl_has_verb; and string match -q -- '-*' (commandline -ct); and not contains -- -- (commandline -opc)
end

complete -c shmfsctl -f
complete -c shmfsctl -n 'not __shmfsctl_has_verb' -a '(__shmfsctl_verbs)'
complete -c shmfsctl -n 'not __shmfsctl_has_verb' -l help -d 'explain it'
complete -c shmfsctl -n 'not __shmfsctl_has_verb' -l version -d 'print the version'
complete -c shmfsctl -n __shmfsctl_types_option -a '(__shmfsctl_options)'
complete -c shmfsctl -n '__shmfsctl_has_verb; and not __shmfsctl_types_option' -a '(__shmfsctl_operands)'
