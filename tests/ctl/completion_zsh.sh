#!/bin/sh
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires zsh

# An interactive zsh on a pseudo-terminal, with a compadd that tells what it is given.
export HOME="$tmp"
mkdir functions
cp "$top_srcdir/contrib/completion/shmfsctl.zsh" functions/_shmfsctl
cat >inner.zsh <<'X'
fpath=($PWD/functions $fpath)
autoload -Uz compinit
compinit -u -d ./dump
zstyle ':completion:*' completer _complete
compadd() {
	local -a hits prefix
	zparseopts -E -a ignored p:=prefix P:=prefix
	if (( ! $@[(I)-[OAD]*] )); then
		builtin compadd -A hits "$@"
		[[ -z $hits ]] || print -rl -- "${prefix[2]}"${^hits} >>offered
	fi
	builtin compadd "$@"
}
offer() { zle complete-word; : >>offered; : >finished }
zle -N offer
bindkey '^I' offer
: >ready
X
# capture.zsh LINE: what zsh offers at its end, a match a line
cat >capture.zsh <<'X'
zmodload zsh/zpty
rm -f ready finished offered
zpty -b inner zsh -f
wait_for() {
	integer tries=0
	while [[ ! -e $1 ]] && (( tries++ < 1000 )); do
		zpty -r -t inner ignored
		sleep 0.01
	done
	[[ -e $1 ]]
}
zpty -w inner "PS1=; source ./inner.zsh"
wait_for ready && zpty -w -n inner "$1"$'\t' && wait_for finished
zpty -d inner
cat offered
X
zsh -f -c 'zmodload zsh/zpty' 2>/dev/null || skip_all "needs zsh/zpty"

complete_line() { zsh -f capture.zsh "$1" 2>&1 | LC_ALL=C sort -u | tr '\n' ' '; }
# shellcheck disable=SC2046
offers() { eq "$(complete_line "$1")" "$(printf '%s\n' $2 | LC_ALL=C sort -u | tr '\n' ' ')"; }

verbs=$(shmfsctl help | sed -n '/^Verbs/,/^$/s/^  \([a-z]*\) .*/\1/p')
check "the verbs are those of the program" offers "shmfsctl " "$verbs"
check "help offers them too" offers "shmfsctl help " "$verbs"
for verb in $verbs; do
	options=$(shmfsctl help "$verb" | grep -oE '^ +(-., )?--[a-z-]+' | grep -oE -e '--[a-z-]+')
	check "the options of $verb are those of the program" offers "shmfsctl $verb --" "$options"
done

shmfsctl put s.db user:1 a
shmfsctl put s.db user:2 b
shmfsctl append s.db frame
shmfsctl cursor s.db create worker
check "a verb is completed" offers "shmfsctl exi" exists
check "then a file" offers "shmfsctl get s" s.db
check "then a key" offers "shmfsctl get s.db u" "user:1 user:2"
check "del takes any number" offers "shmfsctl del s.db x y user:" "user:1 user:2"
check "an option before it is none of them" offers "shmfsctl del --if-version 7 s.db user:" "user:1 user:2"
check "types are completed" offers "shmfsctl put --type=" "bytes string number"
check "and formats, without the template" offers "shmfsctl tail --format=" "lines raw nul json"
check "places too" offers "shmfsctl tail s.db --from=" "begin end cursor:worker"
check "and those of trim" offers "shmfsctl trim s.db " "begin end cursor:worker"
check "what cursor can do" offers "shmfsctl cursor s.db " "list show create set rm"
check "and cursors" offers "shmfsctl cursor s.db set w" worker
check "@ is the store of SHMFS_STORE" eq "$(SHMFS_STORE=s.db complete_line "shmfsctl get @ u")" "user:1 user:2 "
check "a value is not completed" eq "$(complete_line "shmfsctl put s.db user:1 x")" ""
check "a short option's value is no operand" offers "shmfsctl tail -n 3 s" s.db
check "nor is one behind other letters" offers "shmfsctl tail -fn 3 s" s.db
shmfsctl put s.db -- -dash v
check "behind -- there are no options" offers "shmfsctl get s.db -- -" -dash
export SHMFS_STORE=s.db
check "a store that is left out may be followed by a key" offers "shmfsctl get us" "user:1 user:2"
check "which may be several" offers "shmfsctl del x us" "user:1 user:2"
check "or be a file" offers "shmfsctl get s" s.db
check "what cursor can do needs none" offers "shmfsctl cursor sh" show
check "nor do its cursors" offers "shmfsctl cursor show wo" worker
check "nor places" offers "shmfsctl tail --from=cursor:wo" cursor:worker
check "and those of trim" offers "shmfsctl trim cursor:wo" cursor:worker
check "a verb that takes none is not led astray" offers "shmfsctl name e" encode
