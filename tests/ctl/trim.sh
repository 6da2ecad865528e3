#!/bin/sh
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires jq cmp

segment=16777216
head -c 4000000 /dev/urandom >block
i=0
while [ $i -lt 12 ]; do # 4 to a segment
	shmfsctl append --raw s.db <block
	i=$((i + 1))
done
stat() { shmfsctl stat --json s.db | jq -c "[.$1]" | tr -d '[]'; }
end=$(stat log_end)
position=$(shmfsctl tail --from=+5 --count=1 --format=json s.db | jq .position)

check "trim makes no store" exits 2 shmfsctl trim none.db begin
check "trim needs a place" exits 2 shmfsctl trim s.db
check "one that is one" exits 2 shmfsctl trim s.db there
check "trim to the beginning does nothing" shmfsctl trim s.db begin
check "nor to within the first segment" shmfsctl trim s.db 16777215
check "(it is all there)" eq "$(stat log_frames)" 12
check "beyond the end is exit 1" exits 1 shmfsctl trim s.db $((end + 16))
check "and says so" fails_with "beyond the end" shmfsctl trim s.db $((end + 16))
shmfsctl cursor s.db create slow
shmfsctl cursor s.db create next +5
check "trim to a frame says nothing" eq "$(shmfsctl trim s.db "$position" 2>&1)" ""
check "whole segments before it are gone" eq "$(stat log_head) $(stat log_frames)" "$segment 8"
check "the frame is there" sh -c 'shmfsctl tail --from="$1" --count=1 --format=raw s.db | cmp - block' sh "$position"
check "the end is where it was" eq "$(stat log_end)" "$end"
check "again does nothing" shmfsctl trim s.db "$position"
check "a cursor left behind stays where it was" eq "$(shmfsctl cursor s.db show slow)" "0 8 32000000 $segment slow"
check "another is as before" eq "$(shmfsctl cursor s.db show next)" "$position 7 28000000 0 next"
check "reading from the one is exit 1" exits 1 shmfsctl tail --from=cursor:slow s.db
check "and says where the log begins" fails_with "the log begins at $segment" shmfsctl tail --from=cursor:slow s.db
check "so it is for its position" exits 1 shmfsctl tail --from=0 s.db
check "and a step from it" exits 1 shmfsctl cursor s.db set slow +1
check "set helps it" shmfsctl cursor s.db set slow begin
check "(it stands at the head)" eq "$(shmfsctl cursor s.db show slow)" "$segment 8 32000000 0 slow"
check "--reverse ends at the head" eq "$(shmfsctl tail --reverse --format=raw s.db | wc -c)" 32000000
check "trim to a cursor" shmfsctl trim s.db cursor:next
check "(it still has its frame)" eq "$(shmfsctl tail --from=cursor:next --format=raw --count=1 s.db | wc -c)" 4000000
check "trim by frames from the end" shmfsctl trim s.db -2
check "(they are there)" eq "$(shmfsctl tail --format=raw --from=-2 s.db | wc -c)" 8000000
check "(those of other segments are not)" eq "$(stat log_head)" $((2 * segment))
check "a missing cursor is exit 1" exits 1 shmfsctl trim s.db cursor:x
check "trim to the end keeps the last segment" shmfsctl trim s.db end
check "appends go on" shmfsctl append s.db more
check "and are read" eq "$(shmfsctl tail --from=-1 s.db)" more
check "the store is sound" shmfsctl check s.db
