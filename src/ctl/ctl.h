/* SPDX-License-Identifier: MIT */
/*
 * shmfsctl: what its files share.
 *
 * A verb is one file and one table (struct ctl_verb): its options, its help and its
 * function.  main.c finds the verb, args.c reads the command line by the table, the verb
 * does its work through <shmfs.h> alone and returns the exit status.  Whoever
 * meets an error prints the one line about it and returns CTL_TROUBLE; nobody prints twice.
 */
#ifndef SHMFSCTL_CTL_H
#define SHMFSCTL_CTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include <shmfs.h>

enum {
	CTL_YES = 0,
	CTL_NO = 1,      /* no such key, cursor or frame, a failed condition, check found problems */
	CTL_TROUBLE = 2, /* wrong usage, or the system or the store failed */
};

/* ---- the command line (args.c) ---------------------------------------------- */

enum ctl_option_id {
	OPT_ALWAYS_WAKE,
	OPT_EDITED,
	OPT_FOLLOW,
	OPT_FORMAT,
	OPT_FROM,
	OPT_GARBAGE,
	OPT_HELP,
	OPT_IF_ABSENT,
	OPT_IF_PRESENT,
	OPT_IF_VERSION,
	OPT_JSON,
	OPT_KEYS,
	OPT_KEY_FILE,
	OPT_LAST,
	OPT_LIST,
	OPT_LOCK,
	OPT_LOG_FULL,
	OPT_LOG_LIMIT,
	OPT_LONG,
	OPT_MAX_FRAMES,
	OPT_MAX_SIZE,
	OPT_MERGE,
	OPT_NAME,
	OPT_NEW_SEED,
	OPT_NO_REPLACE,
	OPT_NO_SYNC,
	OPT_NUL,
	OPT_PREFIX,
	OPT_PROMETHEUS,
	OPT_RAW,
	OPT_RECURSIVE,
	OPT_REPAIR,
	OPT_REVERSE,
	OPT_SECONDS,
	OPT_SIZE,
	OPT_TYPE,
	OPT_COUNT
};

struct ctl_option {
	enum ctl_option_id id;
	char letter;      /* 0: it has none */
	const char *name; /* NULL ends the table */
	const char *arg;  /* what its argument is called, NULL: it takes none */
	const char *help; /* lines of at most 52 columns */
};

/* clang-format off */
#define CTL_KEY_OPTIONS \
	{OPT_NAME, 0, "name", NULL, "KEY is a file name as in a mount's keys/"}, \
	{OPT_KEY_FILE, 0, "key-file", NULL, "KEY is a file that holds the key, - is stdin"}
/* clang-format on */

struct ctl_args {
	const struct ctl_verb *verb;
	const char **operand; /* the first is the STORE */
	int operands;
	const char *value[OPT_COUNT]; /* NULL: not given; "": a flag that was */
	bool terminal;                /* stdout is one */
	bool default_store;           /* the STORE is that of SHMFS_STORE */
};

struct ctl_verb {
	const char *name;
	const char *operands; /* as in the synopsis; STORE is always the first */
	const char *summary;
	const char *details; /* whole lines of at most 78 columns */
	const struct ctl_option *options;
	int min_operands;
	int max_operands;
	int (*run)(const struct ctl_args *args);
};

/* 0, or CTL_TROUBLE after saying why.  args->operand is to be freed. */
int ctl_args_parse(struct ctl_args *args, const struct ctl_verb *verb, int argc, char **argv);

/* Put $SHMFS_STORE, which may be NULL or empty, in front of the operands.  False: it is. */
bool ctl_args_default_store(struct ctl_args *args);

/* Was STORE written, while a default could have been meant?  (put KEY VALUE, append FRAME) */
bool ctl_args_store_doubtful(const struct ctl_args *args);

/* The verb of this name, or NULL; the second says what is wrong with it. */
const struct ctl_verb *ctl_find_verb(const char *name);
int ctl_no_such_verb(const char *name);

static inline bool ctl_given(const struct ctl_args *args, enum ctl_option_id id)
{
	return args->value[id] != NULL;
}

/* ---- errors (error.c) ------------------------------------------------------- */

/* Print "shmfsctl: SUBJECT: ..." on stderr, one line, and return CTL_TROUBLE (CTL_NO). */
int ctl_trouble(const char *subject, const char *format, ...) __attribute__((format(printf, 2, 3)));
int ctl_no(const char *subject, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same for a result of the library, with what can be done about it. */
int ctl_failed(const struct ctl_args *args, int rc);

#define CTL_WORD_MOST 32 /* longer words are not guessed at */

/* The best guess at what a mistyped word was meant to be (suggest.c). */
struct ctl_suggest {
	const char *typed;
	size_t size;
	unsigned nearest;
	bool found;
	char word[CTL_WORD_MOST + 1];
	size_t word_size;
};

/* _try: is this the nearest so far? */
void ctl_suggest_start(struct ctl_suggest *s, const void *typed, size_t size);
bool ctl_suggest_try(struct ctl_suggest *s, const void *word, size_t size);

/* A store in the same directory that has nearly the name of this path (hint.c). */
bool ctl_hint_store(const char *path, struct ctl_suggest *near);

/* The store of the mount that this file is in, to be freed; NULL: it is in none. */
char *ctl_hint_mount(const char *path);

/* Is this stream a terminal that knows escape sequences?  May it have colours: is NO_COLOR not set? */
bool ctl_terminal(FILE *stream);
bool ctl_colours(FILE *stream);

/* The answer no, about a key: "no such key", "the key is there", ... */
int ctl_key_answer(const struct ctl_args *args, const char *what, const void *key, size_t size);

/* ---- the store (store.c) ---------------------------------------------------- */

/* Where STORE does not exist and, with SHMFS_STORE set, may have been meant as what follows it:
 * CTL_TROUBLE after saying so.  Else 0. */
int ctl_store_doubt(const struct ctl_args *args);

/* Open args->operand[0].  0, or CTL_TROUBLE after saying why. */
int ctl_open(const struct ctl_args *args, int flags, struct shmfs **out);
int ctl_open_with(const struct ctl_args *args, int flags, struct shmfs_options *options,
                  struct shmfs **out);

/* Open it for shmfs_snapshot(): to write, if one may, for else it is the last checkpoint that a
 * snapshot shows.  _failed: say why there is none.  _tell: say that it is not of now. */
int ctl_moment_open(const struct ctl_args *args, int flags, struct shmfs **out);
int ctl_moment_failed(const struct ctl_args *args, int rc);
void ctl_moment_tell(const struct ctl_args *args, struct shmfs *s);

/* Close it; status, or CTL_TROUBLE if the close failed. */
int ctl_close(const struct ctl_args *args, struct shmfs *s, int status);

/* ---- keys (key.c) ----------------------------------------------------------- */

struct ctl_key {
	const void *data;
	size_t size;
	const char *long_name; /* not NULL: only a walk over the store finds the key */
	void *owned;
};

/* The key an operand means.  0, or CTL_TROUBLE after saying why. */
int ctl_key_read(const struct ctl_args *args, const char *operand, struct ctl_key *key);

/* Find the key behind a long name; does nothing for others.  CTL_YES, CTL_NO in silence,
 * or CTL_TROUBLE. */
int ctl_key_find(const struct ctl_args *args, struct shmfs *s, struct ctl_key *key);

/* The same for a verb that may create the key, which a long name cannot. */
int ctl_key_find_or_refuse(const struct ctl_args *args, struct shmfs *s, struct ctl_key *key);

void ctl_key_free(struct ctl_key *key);

/* The answer no, and what may have been meant (hint.c). */
int ctl_no_such_key(const struct ctl_args *args, struct shmfs *s, const struct ctl_key *key);
int ctl_no_such_cursor(const struct ctl_args *args, struct shmfs *s, const void *name, size_t size);

struct json;

/* ---- the log (place.c, lag.c) ------------------------------------------------ */

/* A place in the log, as a command line gives it. */
struct ctl_place {
	enum { CTL_AT, CTL_BEGIN, CTL_END, CTL_STEP, CTL_CURSOR } kind;
	const char *text;  /* as it was given */
	uint64_t position; /* AT */
	int64_t steps;     /* STEP: frames, back or forth */
	const char *name;  /* CURSOR */
};

/* N, begin, end, +K, -K, cursor:NAME.  0, or CTL_TROUBLE after saying why. */
int ctl_place_read(const struct ctl_args *args, const char *text, struct ctl_place *place);

/* Where steps start: back from the end and forth from the beginning, or from here. */
#define CTL_FROM_EITHER_END UINT64_MAX

/* A reader that stands there.  CTL_YES, CTL_NO after saying that there is no frame, CTL_TROUBLE
 * after saying why.  clamp: more steps than there are frames end where the log does. */
int ctl_place_open(const struct ctl_args *args, struct shmfs *s, const struct ctl_place *place,
                   uint64_t from, bool clamp, struct shmfs_reader **out);

/* "POSITION FRAMES BYTES LOST NAME", or a JSON object. */
void ctl_cursor_print(struct json *j, const void *name, size_t size, uint64_t position,
                      const struct shmfs_log_lag *lag);

/* All of them.  prefix: in front of each line; j: NULL for lines; newline: behind each object. */
int ctl_cursors_print(const struct ctl_args *args, struct shmfs *s, struct json *j,
                      const char *prefix, bool newline);

/* Is a streamed put still ours to abort after its commit returned this? (shmfs.h; put.c) */
bool ctl_stream_ours(int rc);

/* ---- text to values and back (parse.c) -------------------------------------- */

/* Each returns false if the text is not one. */
bool ctl_parse_size(const char *text, uint64_t *out); /* 64K, 10M, 1G, 2T */
bool ctl_parse_u64(const char *text, uint64_t *out);
bool ctl_parse_type(const char *text, uint32_t *out);
bool ctl_parse_number(const char *text, size_t size, double *out); /* one final newline is fine */

#define CTL_NUMBER_SIZE 32

/* Shortest decimal that reads back as the same double. */
void ctl_format_number(char text[CTL_NUMBER_SIZE], double number);

const char *ctl_type_name(uint32_t type);

/* An option's value, or 0 if it was not given.  0, or CTL_TROUBLE after saying why. */
int ctl_option_size(const struct ctl_args *args, enum ctl_option_id id, uint64_t *out);
int ctl_option_version(const struct ctl_args *args, uint64_t *out);

/* ---- long work (signals.c, io.c, progress.c, newfile.c) ----------------------------- */

/* From now on SIGHUP, SIGINT, SIGTERM and SIGPIPE interrupt system calls, and ctl_stopped() is true. */
void ctl_signals_catch(void);
bool ctl_stopped(void);

/* Write all of it.  0, or an errno: EINTR if a signal ends the verb. */
int ctl_write_all(int fd, const void *data, size_t size);

/* Read what there is, up to `room` bytes.  CTL_NO: the end; CTL_TROUBLE, said but for a signal. */
int ctl_read_some(int fd, const char *name, void *to, size_t room, size_t *size);

/* Say what has become of the work, but not of SIGPIPE, and die of that signal: the last thing a verb does. */
int ctl_interrupted(const char *subject, const char *what);

struct ctl_progress {
	const char *what;
	uint64_t start_ms, next_ms;
	bool terminal;
	bool bytes; /* it counts bytes: set behind the start */
};

void ctl_progress_start(struct ctl_progress *p, const char *what);
void ctl_progress_end(struct ctl_progress *p);

/* Make room for another line on the terminal; the next report shows it again. */
void ctl_progress_hide(void);

/* A shmfs_progress_fn; total 0: not known.  Not 0: a signal came, stop. */
int ctl_progress(void *p, uint64_t done, uint64_t total);

struct ctl_newfile {
	char *path;
	char *temp; /* what it is called meanwhile */
	int fd;
};

/* 0, or CTL_TROUBLE after saying why. */
int ctl_newfile_open(struct ctl_newfile *n, const char *path);

/* Give it its name; replace: another file may have it.  Frees n.  0 or CTL_TROUBLE, as above. */
int ctl_newfile_commit(struct ctl_newfile *n, mode_t mode, bool replace);

/* Remove it and free n, which may have been freed. */
void ctl_newfile_abort(struct ctl_newfile *n);

/* Have write_it(arg, fd) write what path is to hold: a new file, which replaces an older one when
 * it is complete; at once what is no file; or stdout for -.  Its status, or CTL_TROUBLE. */
int ctl_newfile_write(const struct ctl_args *args, const char *path, mode_t mode,
                      int (*write_it)(void *arg, int fd), void *arg);

/* ---- output (out.c, json.c, base64.c, entry.c) ---------------------------------------- */

/* Make sure that descriptors 0 to 2 exist, so that no store ever becomes one of them. */
void ctl_out_init(void);

/* Flush stdout; status, or CTL_TROUBLE after saying why if anything was not written. */
int ctl_out_finish(int status);

/* For verbs that go on until they are stopped.  Does nobody read the pipe that stdout is?  No write
 * would tell before there is something to write. */
bool ctl_out_unread(void);

/* The output failed: that its reader is gone, or a signal came, is how such a verb ends, and no error. */
void ctl_out_ends(void);

/* Write all of it, past stdio; false with errno set on an error. */
bool ctl_out_write(const void *data, size_t size);

/* Bytes as one word that a shell reads back; for a key that holds NUL bytes, which no
 * command line can, `--name NAME`.  To be freed. */
char *ctl_quote(const void *data, size_t size);

/* Bytes of the character at text, 0 if it is not UTF-8 or a terminal should not see it. */
size_t ctl_visible_size(const unsigned char *text, size_t size);

bool ctl_is_utf8(const void *data, size_t size);

struct json {
	FILE *file;
	bool comma; /* the next item needs one before it */
};

/* No name of these is one of jansson's, which would call ours.
 * Containers are opened by '{' or '[' and closed by '}' or ']'. */
void json_open(struct json *j, char bracket);
void json_close(struct json *j, char bracket);
void json_name(struct json *j, const char *name);
void json_u64(struct json *j, uint64_t number);
void json_number(struct json *j, double number); /* null if it is not finite */
void json_none(struct json *j);
void json_text(struct json *j, const void *text, size_t size);
void base64_print(FILE *to, const void *data, size_t size); /* without quotes */
void json_base64(struct json *j, const void *data, size_t size);

/* Back again (base64.c).  out has room for 3 bytes of every 4; false: it is none. */
bool ctl_base64_decode(const char *text, size_t size, void *out, size_t *out_size);

/* NAME: a string, or where the bytes are not UTF-8 null, and NAME_base64. */
void json_bytes(struct json *j, const char *name, const void *data, size_t size);

/* The end of an object that is a line of its own. */
void json_end(struct json *j);

/* What is known of a key, as members of an object. */
void ctl_entry_json(struct json *j, const void *key, size_t size, const struct shmfs_info *info);

/* A time as "2026-11-22T04:27:19.000000000Z". */
#define CTL_TIME_SIZE 40
size_t ctl_time_text(char text[CTL_TIME_SIZE], uint64_t time_ns);

/* "key" (or "key_base64") and "name", in an open object. */
void json_key(struct json *j, const void *key, size_t size);

/* A key as a line shows it: --name, quoted on a terminal; NULL if it cannot be told apart from two
 * in that form.  *owned is to be freed, when it is printed. */
const char *ctl_key_shown(const struct ctl_args *args, const void *key, size_t *size, char **owned);

/* One key as the options say: --json, -l, --name, -0.  False if it cannot be told apart
 * from two in that form; nothing is printed then. */
bool ctl_entry_print(const struct ctl_args *args, const void *key, size_t size,
                     const struct shmfs_info *info);

/* --format as printf of find(1): each directive is one of these letters.  0, or CTL_TROUBLE after
 * saying why. */
int ctl_template_check(const struct ctl_args *args, const char *text, const char *directives);

typedef void ctl_template_fn(void *arg, char directive);
void ctl_template_print(const char *text, ctl_template_fn *print, void *arg);

/* A key by a template of these. */
#define CTL_ENTRY_DIRECTIVES "kqntsvT@V"
void ctl_entry_format(const struct ctl_args *args, const char *text, const struct shmfs_entry *entry);

/* ---- verbs ------------------------------------------------------------------ */

extern const struct ctl_verb *const ctl_verbs[]; /* ended by NULL */

extern const struct ctl_verb ctl_verb_add;
extern const struct ctl_verb ctl_verb_append;
extern const struct ctl_verb ctl_verb_bench;
extern const struct ctl_verb ctl_verb_check;
extern const struct ctl_verb ctl_verb_compact;
extern const struct ctl_verb ctl_verb_copy;
extern const struct ctl_verb ctl_verb_create;
extern const struct ctl_verb ctl_verb_cursor;
extern const struct ctl_verb ctl_verb_del;
extern const struct ctl_verb ctl_verb_dump;
extern const struct ctl_verb ctl_verb_exists;
extern const struct ctl_verb ctl_verb_export;
extern const struct ctl_verb ctl_verb_get;
extern const struct ctl_verb ctl_verb_help;
extern const struct ctl_verb ctl_verb_import;
extern const struct ctl_verb ctl_verb_load;
extern const struct ctl_verb ctl_verb_ls;
extern const struct ctl_verb ctl_verb_mv;
extern const struct ctl_verb ctl_verb_name;
extern const struct ctl_verb ctl_verb_put;
extern const struct ctl_verb ctl_verb_stat;
extern const struct ctl_verb ctl_verb_sync;
extern const struct ctl_verb ctl_verb_tail;
extern const struct ctl_verb ctl_verb_trim;
extern const struct ctl_verb ctl_verb_watch;

void ctl_help_verb(const struct ctl_verb *verb);
void ctl_help_all(void);

#endif
