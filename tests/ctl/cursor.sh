#!/bin/sh
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires jq seq sort

seq 10 | shmfsctl append s.db
cursor() { shmfsctl cursor s.db "$@"; }
at() { eq "$(cursor show "$1" | cut -d' ' -f2)" "$2"; } # so many frames before the end

check "no cursors is no error" eq "$(cursor list; echo $?)" 0
check "create makes one" cursor create w
check "in silence" eq "$(cursor create v 2>&1)" ""
check "at the oldest frame" eq "$(cursor show w)" "0 10 21 0 w"
check "again is exit 1" exits 1 cursor create w
check "and says so" fails_with "the cursor is there: w" cursor create w end
check "it did not move" at w 10
check "create takes a place" cursor create e end
check "(the end)" at e 0
check "steps are from the ends" cursor create minus -3
check "(back)" at minus 3
check "(and forth)" sh -c 'shmfsctl cursor s.db create plus +3'
check "which is" at plus 7

check "set moves it to a position" cursor set w 64
check "(it is there)" eq "$(cursor show w)" "64 8 17 0 w"
check "by frames" cursor set w +1
check "(one on)" at w 7
check "back too" cursor set w -2
check "(two back)" at w 9
check "to another cursor" cursor set w cursor:minus
check "(there)" at w 3
check "more steps than there are is exit 1" exits 1 cursor set w +4
check "and says so" fails_with "not that many frames" cursor set w -8
check "and moves nothing" at w 3
check "no frame there is exit 1" exits 1 cursor set w 65
check "nor beyond the end" exits 1 cursor set w 100000
check "nor is it moved then" at w 3
check "no place is exit 2" exits 2 cursor set w there
for verb in "show x" "set x begin" "rm x" "set x +1"; do
	# shellcheck disable=SC2086
	check "$verb of a missing cursor is exit 1" exits 1 cursor $verb
	# shellcheck disable=SC2086
	check "and says so" fails_with "no such cursor: x" cursor $verb
done

check "list has them all" eq "$(cursor list | cut -d' ' -f5 | sort | tr '\n' ' ')" "e minus plus v w "
check "show prints the same" eq "$(cursor show w)" "$(cursor list | grep ' w$')"
check "--json is an object a line" eq "$(cursor list --json | jq -r .name | sort | tr '\n' ' ')" "e minus plus v w "
check "with the lag" eq "$(cursor show w --json | jq -c '[.frames, .bytes, .lost]')" "[3,7,0]"
check "and the position" eq "$(cursor show w --json | jq .position)" "$(cursor show w | cut -d' ' -f1)"
check "rm removes one" cursor rm v
check "(it is gone)" exits 1 cursor show v
check "the others stay" eq "$(cursor list | wc -l)" 4

# ---- names ---------------------------------------------------------------------------

long=$(head -c 255 /dev/zero | tr '\0' n)
check "a name may have 255 bytes" cursor create "$long"
check "(it is listed)" eq "$(cursor show "$long" | cut -d' ' -f5)" "$long"
check "not 256" exits 2 cursor create "${long}n"
check "nor none" exits 2 cursor create ''
check "names are quoted where needed" eq "$(cursor create 'a b
c'; cursor list | grep a)" "0 10 21 0 \$'a b\\nc'"
check "bytes that are not UTF-8 are base64 in json" \
	eq "$(cursor create "$(printf 'x\377')"; cursor list --json | jq -r 'select(.name_base64).name_base64')" "eP8="
check "--name takes an encoded one" cursor create --name 'nul%00'
check "which show needs too" eq "$(cursor show --name 'nul%00')" "0 10 21 0 --name nul%00"
check "and rm" cursor rm --name 'nul%00'

# ---- usage -----------------------------------------------------------------------------

check "no command is exit 2" exits 2 cursor
check "nor an unknown one" exits 2 cursor move w 3
check "show needs a name" exits 2 cursor show
check "list none" exits 2 cursor list w
check "set a place" exits 2 cursor set w
check "create makes no store" exits 2 shmfsctl cursor none.db create w
check "(none is there)" not test -e none.db

# ---- a consumer, as the manual has it; and several on one cursor ---------------------------

cursor create job
while position=$(cursor show job | cut -d' ' -f1) && [ "$(cursor show job | cut -d' ' -f2)" != 0 ]; do
	shmfsctl tail --from="$position" --count=1 s.db >>done
	cursor set job +1
done
check "a consumer gets each frame once" eq "$(cat done)" "$(seq 10)"
seq 90 | shmfsctl append s.db
for w in 1 2 3; do
	(i=0; while [ $i -lt 30 ]; do cursor set job +1 || exit; i=$((i + 1)); done) &
done
wait
check "steps of several at once all count" at job 0
check "reading needs no right to write" sh -c 'chmod a-w s.db; shmfsctl cursor s.db list >out; s=$?; chmod u+w s.db; exit $s'
check "the store is sound" shmfsctl check s.db
check "cursors are no keys" eq "$(shmfsctl ls s.db)" ""
