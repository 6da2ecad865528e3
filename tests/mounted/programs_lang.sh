#!/bin/sh
# Readers and writers in Python, Node, Perl and the shell; eight processes at once.
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires fuse
mount_store s.db m
. "$top_srcdir/tests/mounted/same.sh"

# The same steps in each language: write, append, read back, in place, truncate, rename, list, remove.
cat >steps.py <<'END'
import json, os, pathlib, shutil, tempfile
with open("p", "w") as f: json.dump({"a": [1, 2]}, f)
print(json.load(open("p")))
with open("p", "a") as f: f.write("!"); f.flush(); print(os.path.getsize("p"))
with open("p", "r+b") as f:
    f.seek(0, 2); f.write(b"?"); f.seek(0); print(f.read())
    f.seek(3); f.write(b"XY"); f.truncate(7); f.seek(0); print(f.read())
os.replace("p", "q")
print(os.path.exists("p"), sorted(os.listdir(".")), [e.stat().st_size for e in os.scandir(".")])
with tempfile.NamedTemporaryFile(dir=".", delete=False) as t:
    t.write(b"safe" * 9999); t.flush(); os.fsync(t.fileno())
os.rename(t.name, "safe"); shutil.copy("safe", "copy")
print(pathlib.Path("copy").read_bytes() == b"safe" * 9999)
try: open("q", "x")
except FileExistsError as e: print(e.errno)
try: open("none")
except FileNotFoundError as e: print(e.errno)
for name in ("q", "copy"): os.unlink(name)
END
cat >steps.pl <<'END'
use strict; use warnings; use Fcntl qw(:DEFAULT :flock :seek);
sub slurp { local $/; open my $f, '<', shift or die; <$f> }
open my $f, '>', 'p' or die; print $f "one\ntwo\n"; close $f or die;
open $f, '>>', 'p' or die; print $f "three\n"; close $f or die; print slurp('p'), -s 'p', "\n";
open $f, '+<', 'p' or die; flock $f, LOCK_EX or die; seek $f, 4, SEEK_SET; print $f "TWO";
truncate $f, 8; close $f or die;
print slurp('p'); rename 'p', 'q' or die;
print -e 'p' ? "there\n" : "gone\n", join(' ', sort glob '*'), "\n";
sysopen $f, 'q', O_WRONLY | O_CREAT | O_EXCL and die; print $!{EEXIST} ? "EEXIST\n" : "$!\n";
open $f, '<', 'none' and die; print $!{ENOENT} ? "ENOENT\n" : "$!\n";
@ARGV = ('q'); { local $^I = '.bak'; while (<>) { s/one/eins/; print } }
print slurp('q'), slurp('q.bak');
open $f, '>', 'long' or die; print $f 'x' x 1000000; close $f or die; print -s 'long', "\n";
unlink 'long', 'q.bak';
END
cat >steps.js <<'END'
const fs = require('fs');
fs.writeFileSync('p', JSON.stringify({a: [1, 2]})); console.log(JSON.parse(fs.readFileSync('p')));
fs.appendFileSync('p', '!'); console.log(fs.statSync('p').size);
const f = fs.openSync('p', 'r+'); fs.writeSync(f, 'XY', 3); fs.ftruncateSync(f, 7);
fs.fsyncSync(f); fs.closeSync(f);
console.log(fs.readFileSync('p', 'utf8')); fs.renameSync('p', 'q');
console.log(fs.existsSync('p'), fs.readdirSync('.').sort());
try { fs.openSync('q', 'wx') } catch (e) { console.log(e.code) }
try { fs.readFileSync('none') } catch (e) { console.log(e.code) }
fs.copyFileSync('q', 'copy'); console.log(fs.readFileSync('copy', 'utf8'));
const out = fs.createWriteStream('stream');
for (let i = 0; i < 20000; i++) out.write('line ' + i + '\n');
out.end(() => { let n = 0; fs.createReadStream('stream').on('data', d => n += d.length).on('end', () => {
	console.log(n); fs.promises.rm('stream').then(() => console.log(fs.readdirSync('.').sort())) }) });
END
same_with python3 "python3" 'python3 "$2/steps.py"'
same_with perl "perl" 'perl "$2/steps.pl"'
same_with node "node" 'node "$2/steps.js"'
same_with python3 "python3: dbm.dumb, shelve, configparser, csv, zipfile" 'python3 - <<END
import configparser, csv, dbm.dumb, zipfile
with dbm.dumb.open("d", "c") as d:
    for i in range(100): d[str(i)] = "v" * i
with dbm.dumb.open("d", "r") as d: print(len(d), d["50"])
c = configparser.ConfigParser(); c["a"] = {"b": "c"}
with open("ini", "w") as f: c.write(f)
c = configparser.ConfigParser(); c.read("ini"); print(c["a"]["b"])
with open("csv", "w", newline="") as f: csv.writer(f).writerows([[1, 2]] * 1000)
print(sum(1 for _ in csv.reader(open("csv"))))
with zipfile.ZipFile("z", "w") as z: z.writestr(zipfile.ZipInfo("a"), "text" * 1000)
with zipfile.ZipFile("z", "a") as z: z.writestr(zipfile.ZipInfo("b"), "more")
print(zipfile.ZipFile("z").testzip(), zipfile.ZipFile("z").namelist())
END'

# ---- what one language writes another reads, and direct clients ------------------------

rm -f m/keys/*
printf 'from sh' >m/keys/sh
want="from sh"
if command -v perl >/dev/null; then
	perl -e 'open F, ">", "m/keys/perl"; print F "from perl"; close F'
	want="$want from perl"
fi
if command -v node >/dev/null; then
	node -e 'require("fs").writeFileSync("m/keys/node", "from node")'
	want="from node $want"
	[ ! -e m/keys/perl ] || want="from node from perl from sh"
else
	[ ! -e m/keys/perl ] || want="from perl from sh"
fi
got=$(for key in $(ls m/keys); do "$SHMFSCTL" get s.db "$key"; echo; done | tr '\n' ' ')
check "what each writes a direct client reads" eq "$got" "$want "

# ---- eight at once ---------------------------------------------------------------------

# Each appends lines to one key, counts in another under a lock, and keeps one of its own.
rm -f m/keys/*
: >m/keys/all
echo 0 >m/keys/count
cat >worker.sh <<'END'
cd "$1" || exit 1
i=0
while [ $i -lt 20 ]; do
	i=$((i + 1))
	echo "$2 $i" >>all || exit 1
	flock count sh -c 'read -r n <count && echo $((n + 1)) >count' || exit 1
	echo "$2 $i" >"own$2.new" && mv "own$2.new" "own$2" || exit 1
	[ "$(cat "own$2")" = "$2 $i" ] || exit 1
done
END
cat >worker.py <<'END'
import fcntl, os, sys
os.chdir(sys.argv[1]); me = sys.argv[2]
for i in range(1, 21):
    with open("all", "a") as f: f.write(f"{me} {i}\n")
    with open("count", "r+") as f:
        fcntl.flock(f, fcntl.LOCK_EX); n = int(f.read()) + 1; f.seek(0); f.write(f"{n}\n"); f.truncate()
    with open(f"own{me}.new", "w") as f: f.write(f"{me} {i}\n")
    os.replace(f"own{me}.new", f"own{me}"); assert open(f"own{me}").read() == f"{me} {i}\n"
END
cat >worker.pl <<'END'
use Fcntl ':flock'; my ($dir, $me) = @ARGV; chdir $dir or die;
for my $i (1 .. 20) {
	open F, '>>', 'all' or die; print F "$me $i\n"; close F or die;
	open F, '+<', 'count' or die; flock F, LOCK_EX; my $n = <F> + 1; seek F, 0, 0;
	print F "$n\n"; truncate F, tell F; close F or die;
	open F, '>', "own$me.new" or die; print F "$me $i\n"; close F or die;
	rename "own$me.new", "own$me" or die;
	open F, '<', "own$me" or die; <F> eq "$me $i\n" or die; close F;
}
END
started=
for me in 1 2 3 4 5 6 7 8; do
	case $me in
	1 | 2) worker=python3 script=worker.py ;;
	3 | 4) worker=perl script=worker.pl ;;
	*) worker=sh script=worker.sh ;;
	esac
	command -v $worker >/dev/null || worker=sh script=worker.sh
	$worker $script "$tmp/m/keys" $me 2>err.$me &
	started="$started $!"
done
bad=0
for pid in $started; do wait "$pid" || bad=$((bad + 1)); done
check "eight processes work to their end" eq "$bad $(cat err.*)" "0 "
check "nothing of what they append is lost" eq \
	"$(sort -u m/keys/all | wc -l) $(wc -l <m/keys/all)" "160 160"
check "they count one at a time" eq "$(cat m/keys/count)" 160
check "each has its own" eq \
	"$(cat m/keys/own* | sort | tr '\n' ' ')" "1 20 2 20 3 20 4 20 5 20 6 20 7 20 8 20 "
check "no file is left behind" eq "$(ls m/keys | wc -l)" 10
