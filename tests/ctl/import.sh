#!/bin/sh
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
# What import takes, what it refuses, and where: lines of JSON, and files.  tests/ctl/shmio.sh
# has the logs.

nothing_left() { eq "$(ls -A | grep -c '^new')" 0; }

# takes SENTENCE LINES DUMPED: printf's LINES become these keys, as dump tells them.
takes() {
	rm -f new.db
	# shellcheck disable=SC2059
	printf "$2" >lines
	check "$1" shmfsctl import new.db lines
	shmfsctl dump new.db 2>/dev/null | grep -E '^(bytes|string|number)	' | LC_ALL=C sort >got
	check "... as meant" eq "$(cat got)" "$3"
	rm -f new.db
}

# refuses SENTENCE NUMBER TEXT LINES: what printf makes of LINES is refused at that line.
refuses() {
	# shellcheck disable=SC2059
	printf "$4" >lines
	shmfsctl import new.db lines 2>said
	check "$1" eq "$? $(grep -c "^shmfsctl: lines: line $2: .*$3" said) $(wc -l <said)" "2 1 1"
	check "... and no store is made" nothing_left
	rm -f new.db
}

t=$(printf '\t')

# ---- JSON: what it takes -----------------------------------------------------------------

printf '%s\n' '{"key":"a","type":"string","value":"one"}' '{"key":"b","type":"number","value":0.1}' \
	'{"key":"c","type":"bytes","value":"two"}' >three
check "import tells how many keys there were" eq "$(shmfsctl import s.db three)" "keys 3"
check "values come as they are" eq "$(shmfsctl get s.db a) $(shmfsctl get s.db b)" "one 0.1"
check "so do types" eq "$(shmfsctl exists --json s.db c | grep -o '"type":"[a-z]*"')" '"type":"bytes"'
check "with --json the count is an object" \
	eq "$(shmfsctl import --json new.db - <three)" '{"keys":3}'
rm new.db
check "standard input is the default" eq "$(shmfsctl import new.db <three)" "keys 3"
check "it is what the file made" eq "$(shmfsctl export new.db 2>/dev/null | sort)" \
	"$(shmfsctl export s.db 2>/dev/null | sort)"
rm new.db
: >empty
check "nothing makes an empty store" eq "$(shmfsctl import new.db empty)" "keys 0"
rm new.db
: >new.db
check "an empty file may become the store" eq "$(shmfsctl import new.db three)" "keys 3"
rm new.db
takes "the last line needs no newline" '{"key":"k","value":"v"}' "string${t}k${t}v"
takes "lines may end in CR LF, and have blanks" ' { "value" : "v" , "key" : "k" } \r\n' "string${t}k${t}v"
takes "the empty key, and the empty value" '{"key":"","value":""}\n' "string$t$t"
takes "without a type a number is one" '{"key":"k","value":-12.5e1}\n' "number${t}k${t}-125"
takes "base64 is bytes" '{"key_base64":"/w==","value_base64":"AP8="}\n' "bytes${t}\\xff${t}\\x00\\xff"
takes "null stands for what is not there" \
	'{"key":null,"key_base64":"aw==","type":null,"value":"v","value_base64":null}\n' "string${t}k${t}v"
takes "base64 may have a type" '{"key":"k","type":"string","value_base64":"/w=="}\n' "string${t}k${t}\\xff"
takes "base64 of nothing is nothing" '{"key_base64":"","value_base64":""}\n' "bytes$t$t"
takes "every escape of JSON is known" '{"key":"\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\u20AC","value":"v"}\n' \
	"string${t}\"\\\\/\\x08\\x0c\\n\\r\\t$(printf '\303\251\342\202\254')${t}v"
takes "NUL is one" '{"key":"a\\u0000b","value":"\\u0000"}\n' "string${t}a\\x00b${t}\\x00"
takes "two halves of a surrogate pair are a character" '{"key":"k","value":"\\ud83d\\uDE00"}\n' \
	"string${t}k${t}$(printf '\360\237\230\200')"
takes "as is the character itself" '{"key":"k","value":"\360\237\230\200"}\n' \
	"string${t}k${t}$(printf '\360\237\230\200')"
takes "a number may be the smallest there is" '{"key":"k","value":4.9e-324}\n' "number${t}k${t}5e-324"
takes "and the largest" '{"key":"k","value":1.7976931348623157e308}\n' "number${t}k${t}1.7976931348623157e+308"
takes "a whole number may be beyond 2^64" '{"key":"k","value":36893488147419103232}\n' \
	"number${t}k${t}3.6893488147419103e+19"
takes "zero keeps its sign" '{"key":"k","value":-0}\n' "number${t}k${t}-0"
takes "what is not finite comes by its bytes, with all bits" \
	'{"key":"k","type":"number","value":null,"value_base64":"AQAAAAAA8P8="}\n' "number${t}k${t}0xfff0000000000001"
awk 'BEGIN { printf "{\"key\":\""; for (i = 0; i < 65535; i++) printf "k"; print "\",\"value\":\"long\"}" }' >long
check "a key of 65535 bytes is none too long" eq "$(shmfsctl import new.db long)" "keys 1"
rm new.db
head -c 3000000 /dev/urandom >value
{ printf '{"key":"large","value_base64":"' && base64 -w0 value && echo '"}'; } >large
check "a line of some megabytes is read" eq "$(shmfsctl import new.db large)" "keys 1"
check "and means what it says" sh -c 'shmfsctl get new.db large | cmp - value'
rm new.db

# ---- JSON: what it refuses --------------------------------------------------------------------

good='{"key":"k","value":"v"}\n'
refuses "a line that is not JSON" 2 "near" "${good}{key}\n"
refuses "an empty line" 2 "is empty; an object is expected" "$good\n$good"
refuses "a blank one" 2 "is empty; an object is expected" "$good \t\r\n"
refuses "an array" 1 "not an object; .jq -c" '["key","value"]\n'
refuses "an array of many lines" 1 "not an object; .jq -c" ' [{"key":"a","value":"b"},\n{"key":"c","value":"d"}]\n'
refuses "an object of many lines" 1 "expected near end of line, at column 1; an object is a line" '{\n"key":"a",\n"value":"b"\n}\n'
refuses "a comma between objects" 1 "end of line.* expected near .,., at column 24" '{"key":"a","value":"b"},\n'
refuses "a word" 1 "expected" '"key"\n'
refuses "two objects" 1 "end of line" '{"key":"a","value":"b"}{"key":"c","value":"d"}\n'
refuses "half an object" 2 "premature end.*; an object is a line" "$good"'{"key":"a","val'
refuses "a comma too many" 1 "expected" '{"key":"a","value":"b",}\n'
refuses "a name that says nothing" 1 '\"colour\" is not key' '{"key":"a","value":"b","colour":"c"}\n'
refuses "a name that comes twice" 1 "duplicate" '{"key":"a","key":"b","value":"c"}\n'
refuses "no key" 1 "no key" '{"value":"b"}\n'
refuses "a null key" 1 "no key: it is null" '{"key":null,"value":"b"}\n'
refuses "no value" 1 "no value" '{"key":"a","type":"bytes"}\n'
refuses "a null number, as others write what is not finite" 1 "no value: it is null" '{"key":"a","value":null}\n'
refuses "two keys" 1 "both key and key_base64" '{"key":"a","key_base64":"YQ==","value":"b"}\n'
refuses "two values" 1 "both value and value_base64" '{"key":"a","value":"b","value_base64":"Yg=="}\n'
refuses "a key that is a number" 1 "key is not text" '{"key":1,"value":"b"}\n'
refuses "a value that is an object" 1 "value is not text" '{"key":"a","value":{}}\n'
refuses "a value that is true" 1 "value is not text, nor a number" '{"key":"a","value":true}\n'
refuses "an unknown type" 1 "type is not" '{"key":"a","type":"text","value":"b"}\n'
refuses "a type that is a number" 1 "type is not" '{"key":"a","type":1,"value":"b"}\n'
refuses "a type with a NUL" 1 "type is not" '{"key":"a","type":"bytes\\u0000x","value":"b"}\n'
refuses "text for a number" 1 "is not a number" '{"key":"a","type":"number","value":"1"}\n'
refuses "a number for text" 1 "is not text" '{"key":"a","type":"string","value":1}\n'
refuses "a number of too few bytes" 1 "a number of 1 bytes" '{"key":"a","type":"number","value_base64":"Yg=="}\n'
refuses "a number that no double holds" 1 "overflow" '{"key":"a","value":1e309}\n'
refuses "a number with a sign too many" 1 "near" '{"key":"a","value":+1}\n'
refuses "NaN by name" 1 "near" '{"key":"a","value":NaN}\n'
refuses "a hexadecimal number" 1 "expected" '{"key":"a","value":0x10}\n'
for bad in 'Y' 'Yg' 'Yg=' 'Yg===' '=' '====' 'Y===' 'Yg==Yg==' 'Yg\\n=' ' Yg==' 'Y-_=' 'Yh==' 'YWJ=' 'Yg=='"'" 'Yg==\\u0000'; do
	refuses "base64 of $bad" 1 "is not base64 with its padding" '{"key":"a","value_base64":"'"$bad"'"}\n'
done
refuses "base64 that is a number" 1 "key_base64 is not text" '{"key_base64":1,"value":"b"}\n'
refuses "half of a surrogate pair" 1 "surrogate\\|nvalid Unicode" '{"key":"a","value":"\\ud83d"}\n'
refuses "the other half" 1 "surrogate\\|nvalid Unicode" '{"key":"a","value":"\\ude00"}\n'
refuses "two first halves" 1 "surrogate\\|nvalid Unicode" '{"key":"a","value":"\\ud83d\\ud83d"}\n'
refuses "an escape that is none" 1 "escape" '{"key":"a","value":"\\x41"}\n'
refuses "a control character" 1 "control character" '{"key":"a","value":"b\001"}\n'
refuses "a line of NUL bytes, as a hole has" 1 "expected near end of line" '\0\0\n'
refuses "a NUL byte" 1 "control character\\|NUL\\|near" '{"key":"a","value":"b\000"}\n'
refuses "bytes that are not UTF-8" 1 "decode byte" '{"key":"a","value":"\377"}\n'
refuses "a surrogate in UTF-8" 1 "decode byte" '{"key":"a","value":"\355\240\200"}\n'
refuses "an overlong form" 1 "decode byte" '{"key":"a","value":"\300\200"}\n'
refuses "a byte order mark" 1 "byte order mark, where { is expected" '\357\273\277{"key":"a","value":"b"}\n'
refuses "a key twice" 3 "was there before; with --merge" "$good"'{"key":"l","value":"v"}\n{"key_base64":"aw==","value":1}\n'
printf 'shmfs-dump 1\n' >lines
check "a dump is, and told from JSON" fails_with "lines: is a dump; \`shmfsctl load\`" shmfsctl import new.db lines
printf '\030\0\0\0\0\0\0\0' | cat - three >lines
check "as is a log of shmio" fails_with "say --format=shmio" shmfsctl import new.db lines
shmfsctl create whole.db
check "as is a store" fails_with "is a store; \`shmfsctl copy\`" shmfsctl import new.db whole.db
rm whole.db
check "none made a store" nothing_left
refuses "what would drive a terminal is not repeated" 1 '"??31m' '{"key":"a","value":"\302\23331m\\q"}\n'
refuses "nor in a name" 1 '?\[31m' '{"\\u001b[31m":1}\n'
awk 'BEGIN { printf "{\"key\":\""; for (i = 0; i < 65536; i++) printf "k"; print "\",\"value\":\"long\"}" }' >lines
check "a key of 65536 bytes is" fails_with "line 1: a key of 65536 bytes" shmfsctl import new.db lines
i=1
size=$(wc -c <three)
while [ $i -lt "$size" ]; do
	head -c $i three >cut
	kept=$(grep -c '}$' cut)
	if [ "$(tail -c 1 cut)" = "}" ] || [ -z "$(tail -c 1 cut)" ]; then
		[ "$(shmfsctl import new.db cut 2>&1)" = "keys $kept" ] || fail "cut behind $i bytes: $kept keys"
		rm -f new.db
	else
		shmfsctl import new.db cut 2>/dev/null && fail "cut behind $i bytes it is refused"
	fi
	i=$((i + 1))
done
check "a cut inside a line makes no store" nothing_left

# ---- into a store that is there ------------------------------------------------------------

shmfsctl put m.db a before
shmfsctl put m.db z stays
check "a store that is there is refused" fails_with "import --merge" shmfsctl import m.db three
check "--merge adds to it" eq "$(shmfsctl import --merge m.db three)" "keys 3"
check "keys are replaced, or stay" eq "$(shmfsctl get m.db a) $(shmfsctl get m.db z)" "one stays"
printf '{"key":"a","value":"later"}\n{"key":' >lines
check "a bad file changes nothing" fails_with "line 2" shmfsctl import --merge m.db lines
check "... of it" eq "$(shmfsctl get m.db a)" one
check "of a pipe what is before is stored" exits 2 sh -c 'cat lines | shmfsctl import --merge m.db 2>/dev/null'
check "... and is there" eq "$(shmfsctl get m.db a)" later
check "a key may come twice then" eq "$(cat three three | shmfsctl import --merge m.db)" "keys 6"
check "--merge needs a store" exits 2 shmfsctl import --merge none.db three
check "... and makes none" not test -e none.db
check "the store is sound" shmfsctl check m.db

# ---- usage -----------------------------------------------------------------------------------

check "an unknown format" fails_with "json, shmio or files" shmfsctl import --format=xml new.db three
check "a source that is not there" exits 2 shmfsctl import new.db none
check "--recursive is for files" exits 2 shmfsctl import --recursive new.db three
check "--name is for files" exits 2 shmfsctl import --name new.db three
check "not both" exits 2 shmfsctl import --format=files --recursive --name new.db .
mkdir d
check "a directory is not read as JSON" fails_with "--format=files" shmfsctl import new.db d
check "nor from standard input" fails_with "standard input: is a directory" sh -c 'shmfsctl import new.db <d'
check "nor a file as a directory" fails_with "is not a directory" shmfsctl import --format=files new.db three
check "none of these made a store" nothing_left

# ---- a directory of files -----------------------------------------------------------------------

mkdir -p d/sub/deeper
printf one >d/first
printf 'percent' >d/50%25
: >d/empty
cp value d/large
odd=$(printf 'new\nline\377\001')
printf odd >"d/$odd"
printf hidden >d/.hidden
check "a subdirectory is refused" fails_with "sub: is a directory" shmfsctl import --format=files new.db d
check "... and there is no store" nothing_left
printf two >d/sub/second
printf three >d/sub/deeper/third
check "--recursive takes it" eq "$(shmfsctl import --format=files --recursive f.db d)" "keys 8"
check "a key is the path" eq "$(shmfsctl get f.db sub/deeper/third) $(shmfsctl get f.db sub/second)" "three two"
rm -r d/sub
check "without it all files are taken" eq "$(shmfsctl import --format=files new.db d/)" "keys 6"
check "a key is the name, byte for byte" eq "$(shmfsctl get new.db 50%25) $(shmfsctl get new.db "$odd")" "percent odd"
check "a hidden one too" eq "$(shmfsctl get new.db .hidden)" hidden
check "a file of any size comes whole" sh -c 'shmfsctl get new.db large | cmp - value'
head -c 1048576 value >d/large
check "also of exactly what is read at once" sh -c 'shmfsctl import --merge --format=files new.db d >/dev/null &&
	shmfsctl get new.db large | cmp - d/large'
check "an empty one is an empty value" eq "$(shmfsctl get new.db empty | wc -c)" 0
check "types are bytes" eq "$(shmfsctl ls --json new.db | grep -c '"type":"bytes"')" 6
check "the directory is as it was" eq "$(ls -A d | wc -l)" 7 # one name has a newline
rm new.db
rm "d/$odd" d/.hidden
check "--name takes names as a mount has them" eq "$(shmfsctl import --format=files --name new.db d)" "keys 4"
check "... decoded" eq "$(shmfsctl get new.db 50%)" percent
rm new.db
printf bad >d/50%
check "a name that is none is refused" fails_with "50%: is not the name of a key" \
	shmfsctl import --format=files --name new.db d
rm d/50%
ln -s first d/link
check "a symbolic link is refused" fails_with "link: is neither" shmfsctl import --format=files new.db d
rm d/link
mkfifo d/fifo
check "a fifo is, and not waited for" fails_with "fifo: is neither" shmfsctl import --format=files new.db d
rm d/fifo
check "no store was made" nothing_left
check "the store may not be in it" fails_with "is the store itself" shmfsctl import --format=files d/new.db d
shmfsctl put d/s.db a b
check "nor a store that is there" fails_with "is the store itself" shmfsctl import --merge --format=files d/s.db d
check "... which is as it was" eq "$(shmfsctl ls d/s.db)" a
rm d/s.db
check "with --merge files replace keys" eq "$(shmfsctl put new.db first before &&
	shmfsctl import --merge --format=files new.db d && shmfsctl get new.db first)" "keys 4
one"
check "all of it is sound" sh -c 'shmfsctl check f.db && shmfsctl check new.db'
rm new.db

# ---- signals, a full disk ----------------------------------------------------------------------

(cat three && sleep 20) | shmfsctl import new.db - 2>said &
importer=$!
eventually sh -c 'ls -A | grep -q "^new.db.tmp"' || fail "the import begins"
kill -TERM $importer
wait $importer
check "a signal ends it, and it dies of it" eq "$? $(grep -c 'interrupted; no store was made' said)" "143 1"
check "and nothing is left" nothing_left

if [ "$(id -u)" = 0 ] && mkdir disk && mount -t tmpfs -o size=12M none disk 2>/dev/null; then
	cleanup "umount '$tmp/disk'"
	for i in 1 2 3 4 5 6; do sed "s/large/large$i/" large; done >larger
	check "a full disk is told, with the line" fails_with "line" shmfsctl import disk/new.db larger
	check "... as that" fails_with "space" shmfsctl import disk/new.db larger
	check "... and nothing is left there" eq "$(ls -A disk)" ""
else
	skip "a full disk is told, with the line" "needs root, to mount a small tmpfs"
fi
