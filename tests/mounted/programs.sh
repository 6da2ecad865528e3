#!/bin/sh
# Programs people use.
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires fuse
mount_store s.db m
cd m/keys || exit 99
printf 'one\ntwo\nthree\n' >k

check "cp -p out" cp -p k "$tmp/out"
check "keeps the time" eq "$(stat -c %y "$tmp/out")" "$(stat -c %y k)"
check "cp -p in" cp -p "$tmp/out" in
check "cp -a in" cp -a "$tmp/out" in2
check "the same each time" sh -c 'cmp k in && cmp k in2'
check "sed -i" eq "$(sed -i s/two/zwei/ k && cat k)" "one
zwei
three"
check "leaves nothing behind" eq "$(ls)" "in
in2
k"
check "sort -o" eq "$(sort -o k k && cat k)" "one
three
zwei"
check "tee" eq "$(echo teed | tee t)$(cat t)" teedteed
check "tee -a" eq "$(echo more | tee -a t >/dev/null && cat t)" "teed
more"
check "dd conv=notrunc" eq "$(printf X | dd of=t bs=1 seek=1 conv=notrunc 2>/dev/null; cat t)" "tXed
more"
check "truncate" eq "$(truncate -s 2 t && cat t)" tX
check "head, tail, wc, grep" eq "$(head -n1 k; tail -n1 k; wc -l <k; grep -l zwei *)" "one
zwei
3
k"
check "diff" diff in in2
check "tar out" tar cf "$tmp/t.tar" .
check "tar in" sh -c 'rm * && tar xf "$1"' - "$tmp/t.tar"
check "the same again" eq "$(cat in | cksum)" "$(cksum <"$tmp/out")"
check "cp -r of the mount" sh -c 'cp -r .. "$1" && diff -r . "$1/keys"' - "$tmp/all"
check "install -m" sh -c 'install -m 600 "$1" installed && cmp "$1" installed' - "$tmp/out"
check "ln is refused" not ln k l
check "find" eq "$(find . -name 'in*' -size -1000c | sort | tr '\n' ' ')" "./in ./in2 ./installed "
check "du and df" sh -c 'du -s . && df .'
check "flock" flock k true
check "gzip" sh -c 'gzip k && gunzip k.gz && grep -q zwei k'
check "an editor's safe write: backup, write, sync, rename" sh -c '
	cp k k~ && printf new >k.tmp && sync k.tmp && mv k.tmp k && rm k~ && [ "$(cat k)" = new ]'
if command -v python3 >/dev/null; then
	check "python3" python3 -c '
import os, json
with open("p", "w") as f:
    json.dump({"a": [1, 2]}, f)
assert json.load(open("p")) == {"a": [1, 2]}
with open("p", "r+b") as f:
    f.seek(0, 2); f.write(b"!"); f.seek(0); assert f.read().endswith(b"!")
    f.truncate(3); f.seek(0); assert len(f.read()) == 3
os.replace("p", "q"); assert not os.path.exists("p"); os.unlink("q")
'
else
	skip python3 "not there"
fi
if command -v vim >/dev/null; then
	check "vim" sh -c 'vim -u NONE -es -c "s/new/newer/" -c wq k && [ "$(cat k)" = newer ]'
else
	skip vim "not there"
fi
if command -v rsync >/dev/null; then
	check "rsync -a" sh -c 'rsync -a "$1" synced && cmp "$1" synced' - "$tmp/out"
else
	skip rsync "not there"
fi
check "rm *" eq "$(rm -- * && ls -A)" ""
cd "$tmp" || exit 99
