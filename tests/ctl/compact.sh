#!/bin/sh
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"

space() { echo $(($(stat -c %b "$1") * 512)); }
# The segment of the log that is appended to stays where it is.
shmfsctl append s.db 'a frame'
shmfsctl cursor s.db create c end
head -c 30000000 /dev/urandom | shmfsctl put s.db a
head -c 30000000 /dev/urandom | shmfsctl put s.db b
i=0
while [ $i -lt 60 ]; do
	head -c 500000 /dev/urandom | shmfsctl put s.db "small$i"
	i=$((i + 1))
done
shmfsctl del s.db a
shmfsctl ls --prefix=small s.db | grep -v '5$' | xargs shmfsctl del -- s.db
shmfsctl dump s.db >kept
before=$(space s.db)
length=$(stat -c %s s.db)
shmfsctl compact s.db >said
after=$(space s.db)
check "compact wins space" test "$after" -lt $((before / 2))
check "and says how much" eq "$(cat said)" "$(printf 'before %s\nafter %s' "$before" "$after")"
check "the file becomes shorter" test "$(stat -c %s s.db)" -lt "$length"
check "what is in it stays" eq "$(shmfsctl dump s.db | cksum)" "$(cksum <kept)"
check "it is sound" shmfsctl check --lock s.db
check "once more finds nothing to do" shmfsctl compact s.db
check "and breaks nothing" eq "$(shmfsctl dump s.db | cksum)" "$(cksum <kept)"

# Beside a reader that pins, and beside a writer.
head -c 30000000 /dev/zero | shmfsctl put s.db long
mkfifo slow
shmfsctl get s.db long >slow &
exec 3<slow
head -c 1 <&3 >/dev/null
check "beside a get of a long value it is refused" fails_with "try again when that is done" shmfsctl compact s.db
cat <&3 >/dev/null
wait $!
exec 3<&-
check "later it is not" shmfsctl compact s.db
"$top_builddir/tests/ctl/ordered" s.db one >/dev/null &
writer=$!
sleep 0.3
check "beside a writer it works" shmfsctl compact s.db
shmfsctl dump s.db | grep -v "$(printf '^frame\ta frame')" | awk -f "$top_srcdir/tests/ctl/ordered.awk" >found
check "whose store stays consistent" eq "$(grep -v '^rounds\|cursor of c ' found)" ""
kill $writer
wait $writer
check "and sound" shmfsctl check --lock s.db

check "a missing store is exit 2" exits 2 shmfsctl compact none.db
if has_nobody; then
	chmod 755 . && chmod 644 s.db
	check "without write permission it is refused" \
		exits 2 nobody shmfsctl compact s.db
else
	skip "without write permission it is refused" "needs root and setpriv"
fi
