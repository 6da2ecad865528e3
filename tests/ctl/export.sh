#!/bin/sh
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
# What export writes, as JSON and as files, and that import makes the same of it.
requires python3

nothing_left() { eq "$(ls -A | grep -c '^new')" 0; }
content() { shmfsctl dump "$1" | grep -E '^(bytes|string|number)	' | LC_ALL=C sort; }

# Every byte in keys and values, every type, every odd number, through load.
python3 - >dump <<'X'
import struct
def q(b): return "".join("\\x%02x" % c for c in b)
print("shmfs-dump 1")
for kind in "bytes", "string":
    k = kind[:1].encode()
    print(kind, q(k), "", sep="\t")
    for i in range(256):
        print(kind, q(k + bytes([i])), q(bytes([i])), sep="\t")
    print(kind, q(k + bytes(range(256))), q(bytes(range(256)) * 3), sep="\t")
    for n in 1, 2, 3, 4, 5:
        print(kind, q(k + b"\xff" * n + b"tail"), q(b"\xfe" * n), sep="\t")
    for text in '"quoted\\"', "tab\t nl\n cr\r \x7f \x00", "\u00e9\u20ac\U0001f600\u2028\ufffe\uffff", "</script>":
        print(kind, q(k + text.encode()), q(text.encode()), sep="\t")
print("string", "", "the empty key", sep="\t")
for i, n in enumerate(["0", "-0", "1", "0.1", "-1e-300", "5e-324", "2.2250738585072014e-308", "1.7976931348623157e308",
        "9007199254740993", "123456789012345680", "0.30000000000000004", "1e23", "0x7ff0000000000000",
        "0xfff0000000000000", "0x7ff8000000000000", "0x7ff0000000000001", "0xffffffffffffffff"]):
    print("number", "n%d" % i, n, sep="\t")
X
shmfsctl load --edited --new-seed s.db dump || fail "the dump loads"
keys=$(content s.db | wc -l)

# ---- JSON ------------------------------------------------------------------------------------

check "export tells how many keys there are" eq "$(shmfsctl export s.db json)" "keys $keys"
check "each is a line" eq "$(wc -l <json)" "$keys"
check "every line is JSON that Python reads, and means what the store has" python3 - <<'X'
import base64, json, math, struct, subprocess, sys
def both(e, name):
    if e[name] is not None:
        assert name + "_base64" not in e
        return e[name].encode() if isinstance(e[name], str) else e[name]
    return base64.b64decode(e[name + "_base64"], validate=True)
for line in open("json", encoding="utf-8", newline="\n"):
    e = json.loads(line)
    assert list(e)[0] == "key" and set(e) <= {"key", "key_base64", "type", "value", "value_base64"}, line
    key, value = both(e, "key"), both(e, "value")
    if e["type"] == "number":
        assert isinstance(value, (int, float)) or not math.isfinite(struct.unpack("<d", value)[0])
    elif key[:1] in (b"b", b"s") and len(key) == 2:
        assert value == key[1:], line
X
check "it comes back as it was" eq "$(shmfsctl import back.db json)" "keys $keys"
content s.db >one
content back.db >two
check "with every byte, type and number" cmp one two
shmfsctl dump s.db a
sed -n '1p;/^option/p' a >options
shmfsctl load --edited same.db options && shmfsctl import --merge same.db json >/dev/null
shmfsctl dump same.db b
check "into a store of the same seed, in the same order" cmp a b
check "standard output has the lines alone" sh -c 'shmfsctl export s.db - 2>count | cmp - json'
check "and standard error the count" eq "$(cat count)" "keys $keys"
check "with --json as an object" eq "$(shmfsctl export --json s.db new)" "{\"keys\":$keys}"
rm new
shmfsctl create none.db
check "an empty store is no lines" eq "$(shmfsctl export none.db new) $(wc -c <new)" "keys 0 0"
rm new
head -c 3000000 /dev/urandom >value
shmfsctl put large.db large <value
shmfsctl export large.db json2 >/dev/null && shmfsctl import large2.db json2 >/dev/null
check "a value of some megabytes goes there and back" sh -c 'shmfsctl get large2.db large | cmp - value'
chmod 600 s.db
(umask 022 && shmfsctl export s.db new >/dev/null)
check "who may not read the store may not read its export" eq "$(stat -c %a new)" 600
rm new
check "the store itself is not written over" fails_with "is the store itself" shmfsctl export s.db s.db
check "a directory that is not there is told" exits 2 shmfsctl export s.db none/new
check "a store that is not there too" exits 2 shmfsctl export none2.db new
[ ! -w /dev/full ] || {
	check "a full disk is exit 2" fails_with "No space" shmfsctl export s.db /dev/full
	check "for a log too" fails_with "No space" shmfsctl export --format=shmio s.db /dev/full
}
check "a reader that goes away is no success" not sh -c 'shmfsctl export large.db 2>/dev/null | head -c 1 >/dev/null
	trap "" PIPE; shmfsctl export large.db >/dev/full 2>/dev/null'
check "and nothing is left" nothing_left

# ---- files ------------------------------------------------------------------------------------

check "files tells how many keys there are" eq "$(shmfsctl export --format=files s.db f 2>said)" "keys $keys"
check "and that some names do not hold their keys" grep -q "a name of their own: 2;" said
check "each is a file" eq "$(find f -type f | wc -l) $(find . -name '*tmp*' | wc -l)" "$keys 0"
check "nothing else is" eq "$(find f ! -type f | wc -l)" 1
check "the empty key is there" eq "$(cat f/%_)" "the empty key"
check "a number is what get prints" eq "$(cat f/n3) $(tail -c 1 f/n3 | od -An -tx1 | tr -d ' ')" "0.1 0a"
check "they are for whom the store is" eq "$(stat -c %a f) $(stat -c %a f/n3)" "700 600"
shmfsctl ls --name s.db | LC_ALL=C sort >wanted
check "names are those of a mount" eq "$(ls -A f | LC_ALL=C sort)" "$(cat wanted)"
rm f/%~*
grep -av '^%~' wanted >names && mv names wanted
shmfsctl import --format=files --name f.db f >/dev/null
shmfsctl ls --name f.db | LC_ALL=C sort >got
check "import --name makes the same keys of them" cmp got wanted
different=0
cp wanted names
while IFS= read -r name; do
	shmfsctl get --name s.db "$name" | cmp -s - "f/$name" || different=$((different + 1))
done <names
check "and each value is in its file" eq $different 0
for key in .. . /etc/passwd ../../x a/../b '%2F' '%unfinished' '-rf'; do shmfsctl put evil.db -- "$key" v; done
check "no key leads out of the directory" eq "$(shmfsctl export --format=files evil.db e) $(find e -type f | wc -l)" "keys 8 8"
check "by its name" eq "$(ls -A e | LC_ALL=C sort | tr '\n' ' ')" \
	"%252F %25unfinished %2E %2E%2E %2Fetc%2Fpasswd -rf ..%2F..%2Fx a%2F..%2Fb "
awk 'BEGIN { for (i = 0; i < 3000; i++) printf "k" }' >longkey
shmfsctl put --key-file h.db longkey v
check "a key too long for a name is told" fails_with "keys too long for a name of their own: 1" sh -c \
	'shmfsctl export --format=files h.db h && false'
check "and written" eq "$(cat h/*)" v
check "a directory with files in it is refused" fails_with "not empty" shmfsctl export --format=files evil.db f
mkdir empty
check "an empty one is filled" eq "$(shmfsctl export --format=files evil.db empty) $(ls -A empty | wc -l)" "keys 8 8"
printf mine >empty/mine
printf old >empty/%2E
ln -s ../value empty/link
shmfsctl put evil.db link written
printf kept >value
check "--merge adds to what is there" eq "$(shmfsctl export --merge --format=files evil.db empty)" "keys 9"
check "files of other names stay, of the same are replaced" eq "$(cat empty/mine) $(cat empty/%2E)" "mine v"
check "a symbolic link is replaced, not followed" eq "$(cat value) $(cat empty/link)" "kept written"
check "nothing unfinished is left" not test -e empty/%unfinished
rm empty/-rf
mkdir empty/-rf
check "a directory in the way is told" fails_with "-rf cannot be replaced" \
	shmfsctl export --merge --format=files evil.db empty
check "a file is no directory" exits 2 shmfsctl export --format=files s.db value
check "a directory must be named" exits 2 shmfsctl export --format=files s.db
check "--merge is for files" exits 2 shmfsctl export --merge s.db new
check "--size is for logs" exits 2 shmfsctl export --size=1M s.db new
check "an unknown format" fails_with "json, shmio or files" shmfsctl export --format=xml s.db new
if [ "$(id -u)" = 0 ] && mkdir disk && mount -t tmpfs -o size=1M none disk 2>/dev/null; then
	cleanup "umount '$tmp/disk'"
	check "a full disk is told" fails_with "No space" shmfsctl export --format=files large.db disk/new
	check "and leaves no directory" eq "$(ls -A disk)" ""
	check "nor a file" fails_with "No space" shmfsctl export large.db disk/new
	check "of any name" eq "$(ls -A disk)" ""
else
	skip "a full disk is told" "needs root, to mount a small tmpfs"
fi

# ---- signals -----------------------------------------------------------------------------------

mkfifo slow
(shmfsctl export large.db slow 2>said; echo $? >status) &
waiter=$!
exec 3<slow
head -c 1 <&3 >/dev/null
check "nothing is left of all this" nothing_left
exec 3<&-
wait $waiter
check "a reader that goes away ends it" not eq "$(cat status)" 0
