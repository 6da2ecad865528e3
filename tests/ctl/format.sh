#!/bin/sh
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires jq
# --format templates of ls and tail.

shmfsctl put --type=string s.db 'user 1' Ann
line=$(shmfsctl ls --format='%k|%q|%n|%t|%s|%v|%V\n' s.db)
check "the directives of ls" eq "$line" "user 1|'user 1'|user 1|string|3|1|Ann"
check "%T is the time of --json" \
	eq "$(shmfsctl ls --format=%T s.db)" "$(shmfsctl ls --json s.db | jq -r .time)"
check "%@ is it in seconds" eq "$(date -u -d "@$(shmfsctl ls --format=%@ s.db)" +%Y-%m-%dT%H:%M:%S.%NZ)" \
	"$(shmfsctl ls --format=%T s.db)"
check "no newline is added" eq "$(shmfsctl ls --format=%s s.db | wc -c)" 1
check "%% is a percent sign, escapes are those of C" \
	eq "$(shmfsctl ls --format='%%%s\t\n\r\a\b\f\v\\\101\0' s.db | od -An -c | tr -d ' ')" '%3\t\n\r\a\b\f\v\A\0'
check "a number is decimal, as get prints it" sh -c \
	'shmfsctl add n.db n 0.5 >/dev/null && [ "$(shmfsctl ls --format=%V n.db)" = 0.5 ]'
printf 'new\nline' | shmfsctl put --key-file k.db - 'two
lines'
check "a key of two lines is printed as it is" eq "$(shmfsctl ls --format='%k' k.db | wc -l)" 1
check "%n and %q are one word" eq "$(shmfsctl ls --format='%n %q' k.db)" "new%0Aline \$'new\\nline'"
check "--prefix selects" eq "$(shmfsctl ls --prefix=x --format=%k s.db)" ""
head -c 3000000 /dev/urandom >big
shmfsctl put big.db big <big
check "a large value is whole" sh -c 'shmfsctl ls --format=%V big.db | cmp - big'

printf 'one\ntwo' | shmfsctl append s.db
check "the directives of tail" eq "$(shmfsctl tail --format='%p %s [%D] %b\n' s.db)" "0 4 [one] b25lCg==
32 3 [two] dHdv"
check "%d is the frame as it is" eq "$(shmfsctl tail --format='<%d>' s.db)" "<one
><two>"
check "forth or back" eq "$(shmfsctl tail -r -n 1 --format='%D' s.db)" two
check "--json is --format=json" eq "$(shmfsctl tail --json s.db)" "$(shmfsctl tail --format=json s.db)"
check "but not another" exits 2 shmfsctl tail --json --format=raw s.db

for verb in ls tail; do
	check "$verb tells an unknown directive" fails_with "%z is no directive; there are %" \
		shmfsctl $verb --format='%z\n' s.db
	check "$verb tells a percent sign at the end" fails_with "% is no directive" \
		shmfsctl $verb --format='%s%' s.db
	check "$verb tells an unknown escape" fails_with '\q is no escape' \
		shmfsctl $verb --format='%s\q' s.db
	check "$verb tells a backslash at the end" fails_with '\ is no escape' \
		shmfsctl $verb --format='%s\' s.db
	check "$verb tells an octal number of no byte" fails_with '\7 is no escape' \
		shmfsctl $verb --format='%s\777' s.db
	check "$verb tells a template without a directive" exits 2 shmfsctl $verb --format='%%\n' s.db
	check "$verb (and prints nothing)" eq "$(shmfsctl $verb --format='%s%z' s.db 2>/dev/null)" ""
done
check "a word that is no format" fails_with "lines, raw, nul, json, or a template" \
	shmfsctl tail --format=line s.db
check "ls has no words" fails_with "no directive" shmfsctl ls --format=json s.db
for other in -l -0 --name --json; do
	check "--format excludes $other" exits 2 shmfsctl ls --format=%k $other s.db
done
