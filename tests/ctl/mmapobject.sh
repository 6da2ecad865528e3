#!/bin/sh
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
# What shmfsctl(1) says of mmap-object works, both ways.  MMAP_OBJECT=DIR: with the library
# itself, in DIR/node_modules; else with a stand-in that has its odd ways.
requires node

content() { shmfsctl dump "$1" | grep -E '^(bytes|string|number)	' | LC_ALL=C sort; }

mkdir -p node_modules/mmap-object
cat >node_modules/mmap-object/index.js <<'X'
// An object, kept in a file when it is closed.  As in the library strings end at a NUL, what is
// called like a method cannot be got by name, and a write may be the end of the process: of what
// is no value, or of more than the file had room for.
const fs = require('fs'), v8 = require('v8'), methods = ['close', 'get_size', 'isData', 'toString'];
const cut = text => text.split('\0')[0];
exports.Create = function (path, kilobytes = 5120) {
  const values = new Map();
  let left = Math.floor(kilobytes) * 1024;
  return new Proxy({}, {
    set(_, key, value) {
      if (typeof value != 'string' && typeof value != 'number' && !Buffer.isBuffer(value)) process.abort();
      values.set(cut(key), typeof value == 'string' ? cut(value) : value);
      if ((left -= 120 + key.length + (value.length ?? 0)) < 0) process.abort();
      return true;
    },
    get: (_, key) => key == 'close' ? () => fs.writeFileSync(path, v8.serialize(values)) : values.get(key),
  });
};
exports.Open = function (path) {
  const values = v8.deserialize(fs.readFileSync(path)), o = Object.create(null);
  for (const [key, value] of values) {
    if (value instanceof Uint8Array) values.set(key, Buffer.from(value));
    if (!methods.includes(key)) o[key] = values.get(key);
  }
  for (const name of methods) o[name] = name == 'isData' ? key => !methods.includes(key) : () => 0;
  Object.defineProperty(o, Symbol.iterator, {value: () => values[Symbol.iterator]()});
  return o;
};
X
modules=${MMAP_OBJECT:-$tmp}/node_modules
run() { (cd there && NODE_PATH=$modules sh ../node"$1".sh) 2>&1; }
# The two commands of the manual, as they stand there, in a file each.
sed -n '/^\.\\" node$/,/^\.Ed$/p' "$top_srcdir/man/shmfsctl.1" | sed -e 's/\\e/\\/g' -e 's/\\&//g' |
	awk '/^\.\\" node/ { n++; next } /^\./ { next } { print > ("node" n ".sh") }'
check "the manual has two commands" eq "$(ls node?.sh | tr '\n' ' ')" "node1.sh node2.sh "
cat >same.js <<'X'
// Are two files the same, with COUNT keys?
const {Open} = require('mmap-object'), assert = require('assert'), [, , a, b, count] = process.argv;
const data = path => new Map([...new Open(path)].map(([key, value]) =>
  [key, Buffer.isBuffer(value) ? {bytes: value.toString('hex')} : value]));
assert.deepStrictEqual(data(a), data(b)); // which tells -0 from 0, and takes NaN for NaN
assert.strictEqual(data(b).size, +count);
X
same() { NODE_PATH=$modules node same.js "$@"; }

# ---- there and back ---------------------------------------------------------------------------

mkdir there
NODE_PATH=$modules node -e '
const o = new (require("mmap-object").Create)("there/old.bin", 100000, 100000);
o.text = "gr\u00fc\u00df \u2028 \u{1f600} \n"; o.empty = ""; o[""] = "the empty key"; o["k\n\"\\/\u00fc"] = "odd";
o.zero = 0; o.minus = -0; o.third = 1 / 3; o.tiny = 5e-324; o.huge = -1.7976931348623157e308; o.whole = 2 ** 53 + 2;
o.nan = NaN; o.infinite = Infinity; o.below = -Infinity;
o.buffer = Buffer.from(Array.from({length: 256}, (_, i) => i)); o.ascii = Buffer.from("ascii"); o.nothing = Buffer.alloc(0);
o["42"] = "an index"; o["null"] = "null"; o["__proto__"] = "proto"; o["constructor"] = "c"; o["get_size"] = "of a method";
o.long = "\u20ac".repeat(1000000); o.large = Buffer.alloc(3000000, 255);
for (let i = 0; i < 20000; i++) o["n/" + i] = i % 2 ? i / 7 : "v" + i;
o.close();'
check "from mmap-object, by the manual" eq "$(run 1)" "keys 20023"
check "types come along" eq "$(content there/s.db | cut -f1 | uniq -c | tr -s ' \n' ' ')" " 4 bytes 10009 number 10010 string "
check "so do numbers JSON has no name for" eq "$(content there/s.db | grep -E '^number	(nan|minus|below)	' | cut -f3 | tr '\n' ' ')" \
	"0xfff0000000000000 -0 0x7ff8000000000000 "
check "and what is called like a method there" eq "$(shmfsctl get there/s.db get_size)" "of a method"
check "and back, more than the library's first file holds" eq "$(run 2)" "keys 20023"
check "it is what it was" same there/old.bin there/new.bin 20023
content there/s.db >one
mv there/new.bin there/old.bin
rm there/s.db
check "and there again" eq "$(run 1)" "keys 20023"
content there/s.db >two
check "also in the store" cmp one two

# ---- what has no place there --------------------------------------------------------------------

# stops SENTENCE: the second command does, and makes no file.
stops() {
	rm -f there/new.bin
	run 2 >said
	check "$1 is not made another" grep -q '^Error: not text: ' said
	check "... nor is there half a file" not test -e there/new.bin
	rm there/s.db
}
rm there/s.db
printf 'a\0b' >odd
shmfsctl put --key-file there/s.db odd v
stops "a key with a NUL"
shmfsctl put --type=string there/s.db k <odd
stops "a string with a NUL"
printf '\377' >odd
shmfsctl put --key-file there/s.db odd v
stops "a key that is not UTF-8"
shmfsctl put there/s.db good v
shmfsctl put --type=string there/s.db k <odd
stops "a string that is not UTF-8"
shmfsctl put there/s.db k <odd
printf 'a\0b' | shmfsctl put there/s.db l
check "bytes may be anything" eq "$(run 2)" "keys 2"
rm there/s.db there/new.bin
shmfsctl create there/s.db
check "a store without keys makes a file without" eq "$(run 2) $(test -e there/new.bin && echo made)" "keys 0 made"

# ---- JSON of others -------------------------------------------------------------------------------

node -e '
for (const value of [NaN, Infinity]) console.log(JSON.stringify({key: String(value), value}))' >lines
check "what Node cannot say in JSON is refused, and not made 0" fails_with "line 1: no value" shmfsctl import new.db lines
