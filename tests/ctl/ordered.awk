# What ordered.c writes, in a dump: is it of one moment?  Prints what is not, and the rounds.
BEGIN { FS = "\t" }
$1 == "frame" {
	split($2, f, " ")
	if (f[2] != ++frames[f[1]])
		print "frame " f[2] " of " f[1] " is number " frames[f[1]]
	for (who in waiting) {
		if (who == f[1])
			at[who] = f[2]
		else
			print "the cursor of " who " is at a frame of " f[1]
		delete waiting[who]
	}
}
$1 == "cursor" { waiting[$2] = 1; cursors++ }
$1 == "number" { split($2, k, " "); value[k[1], k[2]] = $3; whose[k[1]] = 1 }
$1 == "end" { ended = 1 }
END {
	for (who in whose) {
		n = frames[who] + 0
		order = n " frames, cursor " at[who] ", a " value[who, "a"] ", m0 " value[who, "m0"] \
			", z " value[who, "z"]
		if (!(n >= at[who] && at[who] >= value[who, "a"] && value[who, "a"] >= value[who, "m0"] &&
				value[who, "m7"] >= value[who, "z"] && value[who, "z"] >= n - 1))
			print who ": " order
		for (i = 1; i < 8; i++)
			if (value[who, "m" i] != value[who, "m0"])
				print who ": m" i " is " value[who, "m" i] ", " order
		rounds += n
	}
	if (!ended)
		print "the dump is cut off"
	print "rounds " rounds + 0
}
