#!/bin/sh
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires fish

export HOME="$tmp" XDG_CONFIG_HOME="$tmp" XDG_DATA_HOME="$tmp" TERM=dumb
cat >complete.fish <<'X'
source $top_srcdir/contrib/completion/shmfsctl.fish
complete -C $argv[1]
X
complete_line() { fish -N complete.fish "$1" 2>&1 | cut -f1 | LC_ALL=C sort -u | tr '\n' ' '; }
# shellcheck disable=SC2046
offers() { eq "$(complete_line "$1")" "$(printf '%s\n' $2 | LC_ALL=C sort -u | tr '\n' ' ')"; }
fish -N complete.fish '' >/dev/null 2>&1 || skip_all "needs a fish with -N"

verbs=$(shmfsctl help | sed -n '/^Verbs/,/^$/s/^  \([a-z]*\) .*/\1/p')
check "the verbs are those of the program" offers "shmfsctl " "$verbs"
check "help offers them too" offers "shmfsctl help " "$verbs"
for verb in $verbs; do
	options=$(shmfsctl help "$verb" | grep -oE '^ +(-., )?--[a-z-]+=?' | grep -oE -e '--[a-z-]+=?')
	check "the options of $verb are those of the program" \
		eq "$(complete_line "shmfsctl $verb --" | tr ' ' '\n' | grep -v '=.' | tr '\n' ' ')" \
		"$(echo "$options" | LC_ALL=C sort | tr '\n' ' ')"
done
check "a verb is told what it does" \
	eq "$(fish -N complete.fish "shmfsctl exi")" "$(printf 'exists\ttell whether a key is there')"

shmfsctl put s.db user:1 a
shmfsctl put s.db user:2 b
shmfsctl append s.db frame
shmfsctl cursor s.db create worker
check "then a file" offers "shmfsctl get s" s.db
check "then a key" offers "shmfsctl get s.db u" "user:1 user:2"
check "del takes any number" offers "shmfsctl del s.db x y user:" "user:1 user:2"
check "an option before it is none of them" offers "shmfsctl del --if-version 7 s.db user:" "user:1 user:2"
check "types are completed" offers "shmfsctl put --type=" \
	"--type= --type=bytes --type=string --type=number"
check "places too" offers "shmfsctl tail s.db --from=" \
	"--from= --from=begin --from=end --from=cursor:worker"
check "and those of trim" offers "shmfsctl trim s.db " "begin end cursor:worker"
check "what cursor can do" offers "shmfsctl cursor s.db " "list show create set rm"
check "and cursors" offers "shmfsctl cursor s.db set w" worker
check "@ is the store of SHMFS_STORE" eq "$(SHMFS_STORE=s.db complete_line "shmfsctl get @ u")" "user:1 user:2 "
check "a value is not completed" eq "$(complete_line "shmfsctl put s.db user:1 x")" ""
check "a short option's value is no operand" offers "shmfsctl tail -n 3 s" s.db
check "nor is one behind other letters" offers "shmfsctl tail -fn 3 s" s.db
shmfsctl put s.db -- -dash v
check "behind -- there are no options" offers "shmfsctl get s.db -- -d" -dash
export SHMFS_STORE=s.db
check "a store that is left out may be followed by a key" offers "shmfsctl get us" "user:1 user:2"
check "which may be several" offers "shmfsctl del x us" "user:1 user:2"
check "or be a file" offers "shmfsctl get s." s.db
check "what cursor can do needs none" offers "shmfsctl cursor sh" show
check "nor do its cursors" offers "shmfsctl cursor show wo" worker
check "nor places" offers "shmfsctl tail --from=cursor:wo" --from=cursor:worker
check "and those of trim" offers "shmfsctl trim cursor:wo" cursor:worker
check "a verb that takes none is not led astray" offers "shmfsctl name e" encode
