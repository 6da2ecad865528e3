#!/bin/sh
# Programs people use do in keys/ what they do on tmpfs.
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires fuse
mount_store s.db m
. "$top_srcdir/tests/mounted/same.sh"

mkdir tree
printf 'one\ntwo\nthree\n' >tree/k
head -c 700000 /dev/urandom >tree/long
: >tree/empty
touch -d '2001-02-03 04:05:06.789' tree/k

same "cp" 'cp "$2"/tree/* . && cp k copy && cmp k copy && cmp long "$2/tree/long"'
same "cp -p, out and in again, keeps bytes and mode" '
	cp -p "$2"/tree/* . && mkdir -p "$2/out" && cp -p * "$2/out" &&
	diff -r "$2/out" "$2/tree" && stat -c %a "$2"/out/*'
check "and out of it the time" eq "$(cp -p m/keys/k again && stat -c %y again)" "$(stat -c %y m/keys/k)"
same "cp -a, and over what is there" 'cp -a "$2"/tree/. . && cp -a "$2/tree/long" k && cp -a empty long'
same "mv" 'cp "$2"/tree/* . && mv k k2 && mv long k2 && mv -n empty k2; ls'
same "mv in and out, over a border of file systems" 'cp "$2/tree/k" "$2/in" && mv "$2/in" k && cat k &&
	mv k "$2/out/moved" && cat "$2/out/moved" && ls -A'
same "sed -i" 'cp "$2/tree/k" . && sed -i s/two/zwei/ k && cat k && sed -i.old 1d k && cat k k.old'
same "sort -o" 'cp "$2/tree/k" . && sort -o k k && cat k'
same "tee and tee -a" 'echo one | tee a b && echo two | tee -a a b && cat a b'
same "dd: pieces, notrunc, seek, append, sync" '
	dd if="$2/tree/long" of=d bs=64k && cmp d "$2/tree/long" &&
	printf X | dd of=d bs=1 seek=5 conv=notrunc && printf Y | dd of=d oflag=append conv=notrunc,fsync &&
	printf Z | dd of=d bs=1 seek=100 && od -c d | tail -n 2'
same "truncate: shorter, longer, by how much" 'cp "$2"/tree/* . && truncate -s 3 k && cat k &&
	truncate -s +5 k && od -c k && truncate -s 100000 long && truncate -s 9 new && od -c new'
same "head, tail, wc, grep" '
	cp "$2/tree/k" . && head -n1 k; tail -n1 k; wc -l <k; grep -n t k; tail -c 4 k'
same "split and cat" '
	split -b 50000 "$2/tree/long" part. && cat part.* | cmp - "$2/tree/long" && ls | wc -l'
same "diff, cmp, comm, patch" 'cp "$2/tree/k" . && sed s/two/2/ k >k2; diff k k2; comm k k2
	diff -u k k2 | sed "1,2s/\t.*//" >p && command -v patch >/dev/null && patch -s k p; cat k'
same "tar, in and out" 'tar -C "$2/tree" -cf - . | tar -xf - && tar -cf "$2/t.tar" k long empty &&
	rm k long empty && tar -xf "$2/t.tar" && cmp long "$2/tree/long"'
same "a tar file that grows, and is read" '
	cp "$2"/tree/* . && tar -cf t k empty && tar -rf t long && tar -tf t &&
	tar -xOf t long | cmp - long && rm t'
same "gzip and gunzip" 'cp "$2"/tree/* . && gzip k long && gunzip k long && cat k'
same "install" 'install -m 644 "$2/tree/k" installed && install -b "$2/tree/long" installed && ls'
same "shred and rm" 'cp "$2"/tree/* . && shred -u k && rm -f long nothing && ls'
same "find, xargs" 'cp "$2"/tree/* . && find . -size +100k | xargs ls && find . -empty -delete && ls'
same "mktemp" 'f=$(mktemp ./t.XXXXXX) && echo x >"$f" && mv "$f" t && cat t'
same "shell redirections" '
	echo a >f && echo b >>f && { echo c; echo d; } >>f && : >g && set -C && ! echo x >f && echo y >|g
	exec 3<>f && read -r line <&3 && echo "$line" && exec 3>&- && cat f g'
same "a here document, a loop with a file open" 'cat >f <<END
text
END
	while read -r line; do echo "$line" >>g; done <f; i=0
	while [ $i -lt 50 ]; do echo $i; i=$((i + 1)); done >f; wc -l <f; cat g'
same "flock: one at a time" 'i=0; echo 0 >n; while [ $i -lt 8 ]; do i=$((i + 1))
	(for j in 1 2 3 4 5; do flock n sh -c "read -r v <n; echo \$((v + 1)) >n"; done) & done; wait; cat n'
same "flock -n on what is locked" '
	echo >f; flock f sh -c "flock -n f echo both || echo taken"; flock -n f echo free'
same "an editor that is careful: backup, write, sync, rename" '
	cp "$2/tree/k" . && cp k k~ && printf new >k.tmp &&
	sync k.tmp && mv k.tmp k && rm k~ && cat k'
for program in vim ex; do
	for how in 'backupcopy=yes' 'backupcopy=no' 'nowritebackup' 'backup backupext=.bak' 'noswapfile'; do
		same_with $program "$program with $how" "
			cp \"\$2/tree/k\" . && $([ $program = vim ] && echo vim -e || echo ex) \
			-s -u NONE -c 'set fsync backupskip= $how' -c '2s/two/zwei/' -c '\$a
four' -c '.' -c wq k >/dev/null 2>&1; cat k; ls -A"
	done
done
same_with rsync "rsync -a, and again when a file has changed" '
	rsync -a "$2/tree/" . && echo more >>"$2/tree/k" &&
	rsync -a "$2/tree/" . && rsync -a --inplace --checksum "$2/tree/" . && diff -r . "$2/tree" &&
	echo one >"$2/tree/k"; rsync -a --append-verify "$2/tree/" . ; rsync -a --delete "$2/out/" . && ls'
same_with git "git hash-object, git diff --no-index" '
	cp "$2/tree/k" a; sed s/one/1/ a >b; git hash-object a b
	git diff --no-index --stat a b'
same "du, df, stat, ls, file names of all sorts" '
	du . >/dev/null && df . >/dev/null; echo x >"a b"; echo y >"ü"
	echo z >-dash; stat -c "%F %s" "a b"; ls; rm -- -dash "a b" ü'
# What keys/ is too flat for.
cd m/keys || exit 99
check "cp -r of the mount" sh -c 'echo k >k; cp -r .. "$1" && cmp k "$1/keys/k"' - "$tmp/all"
check "ln is refused" fails_with "Operation not permitted" ln k l
check "so is ln -s" fails_with "Operation not permitted" ln -s k l
check "so is mkdir" fails_with "Operation not permitted" mkdir d
check "rm *" eq "$(rm -- * && ls -A)" ""
cd "$tmp" || exit 99
