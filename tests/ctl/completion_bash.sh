#!/bin/sh
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires bash

# complete_line LINE: what bash offers at its end, sorted.  COMP_WORDS is cut as readline
# cuts it: at blanks, ":" and "=".
cat >complete.bash <<'X'
source "$top_srcdir/contrib/completion/shmfsctl.bash"
compopt() { :; }
COMP_LINE=$1
COMP_POINT=${#1}
mapfile -t COMP_WORDS < <(grep -oE '[:=]+|[^[:blank:]:=]+' <<<"$1")
[[ $1 != *[[:blank:]] ]] || COMP_WORDS+=("")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_shmfsctl shmfsctl
printf '%s\n' "${COMPREPLY[@]}"
X
complete_line() { bash complete.bash "$1" | LC_ALL=C sort | tr '\n' ' '; }
# shellcheck disable=SC2046
offers() { eq "$(complete_line "$1")" "$(printf '%s\n' $2 | LC_ALL=C sort | tr '\n' ' ')"; }

verbs=$(shmfsctl help | sed -n '/^Verbs/,/^$/s/^  \([a-z]*\) .*/\1/p')
check "the verbs are those of the program" offers "shmfsctl " "$verbs --help --version"
check "help offers them too" offers "shmfsctl help " "$verbs"
for verb in $verbs; do
	options=$(shmfsctl help "$verb" | grep -oE '^ +(-., )?--[a-z-]+=?' | grep -oE -e '--[a-z-]+=?')
	check "the options of $verb are those of the program" offers "shmfsctl $verb -" "$options"
done

shmfsctl put s.db user:1 a
shmfsctl put s.db user:2 b
shmfsctl put s.db 'a key' c
shmfsctl put s.db a/b d
mkdir dir
check "a verb is completed" offers "shmfsctl exi" exists
check "then a file" offers "shmfsctl get s" s.db
check "then a key" offers "shmfsctl get s.db u" "user:1 user:2"
check "behind the : in it" offers "shmfsctl get s.db user:" "1 2"
check "and the number" offers "shmfsctl get s.db user:1" 1
check "a key with a blank is quoted" eq "$(complete_line "shmfsctl get s.db a")" 'a/b a\ key '
check "names are completed after --name" offers "shmfsctl get --name s.db a%" a%2Fb
check "files are after --key-file" offers "shmfsctl get --key-file s.db di" dir
check "mv completes both keys" offers "shmfsctl mv s.db user:1 user:" "1 2"
check "del any number" offers "shmfsctl del s.db x y z user:2" 2
check "a value is not completed" offers "shmfsctl put s.db user:1 " ""
check "types are" offers "shmfsctl put --type=" "bytes string number"
check "and begun ones" offers "shmfsctl put --type=s" string
check "what a full log does too" offers "shmfsctl create --log-full=" "trim refuse"
shmfsctl append s.db frame
shmfsctl cursor s.db create worker
shmfsctl cursor s.db create wiper
check "formats are completed" offers "shmfsctl tail --format=" "lines raw nul json"
check "places too" offers "shmfsctl tail s.db --from=" "begin end cursor:worker cursor:wiper"
check "and those of trim" offers "shmfsctl trim s.db cursor:wo" worker
check "files to dump to and load from" offers "shmfsctl dump s.db di" dir
check "and to export to and import from" offers "shmfsctl import s.db di" dir
check "in the formats they have" offers "shmfsctl export --format=" "json shmio files"
check "what cursor can do" offers "shmfsctl cursor s.db s" "set show"
check "and cursors" offers "shmfsctl cursor s.db set wo" worker
check "and where to" offers "shmfsctl cursor s.db set worker b" begin
check "an option and its value in two words are no operand" \
	offers "shmfsctl ls --prefix x s" s.db
check "@ is the store of SHMFS_STORE" eq "$(SHMFS_STORE=s.db complete_line "shmfsctl get @ user:")" "1 2 "
check "and offered where there is one" eq "$(SHMFS_STORE=s.db complete_line "shmfsctl get @")" "@ "
check "a missing store offers no keys, in silence" eq "$(complete_line "shmfsctl get none.db u" 2>&1)" " "
check "a short option's value is no operand either" offers "shmfsctl tail -n 3 s" s.db
check "nor is one behind other letters" offers "shmfsctl tail -fn 3 s" s.db
shmfsctl put s.db -- -dash v
check "behind -- there are no options" offers "shmfsctl get s.db -- -" -dash
export SHMFS_STORE=s.db
check "a store that is left out may be followed by a key" offers "shmfsctl get us" "user:1 user:2"
check "which may be several" offers "shmfsctl del x us" "user:1 user:2"
check "or be a file" offers "shmfsctl get s" s.db
check "a store that is named counts" offers "shmfsctl get dir us" ""
check "what cursor can do needs none" offers "shmfsctl cursor s" "s.db set show"
check "nor do its cursors" offers "shmfsctl cursor show wo" worker
check "nor places" offers "shmfsctl tail --from=cursor:wo" worker
check "and those of trim" offers "shmfsctl trim cursor:wo" worker
check "a verb that takes none is not led astray" offers "shmfsctl help c" "create cursor check copy compact"
check "(nor is name)" offers "shmfsctl name e" encode
