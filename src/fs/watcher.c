/* SPDX-License-Identifier: MIT */
/*
 * watcher: the thread that has the kernel forget what changed (cache.h).
 *
 * Inodes are invalidated by number.  If the kernel has none of that number, an answer that makes it
 * may be on its way: invalidating the entry waits for who looks it up, as that holds the directory's
 * lock, and then the inode is there to be invalidated.
 *
 * Overrun by the ring, it looks at every set.  Overrun again and again, as by who loads a million keys
 * beside us, it has the kernel forget everything, and asks for nothing: then nobody has anything
 * to tell, until the kernel asks for keys again.
 *
 * Told of much in little time, it does not wait to be woken, which costs a writer microseconds each time,
 * but looks every PACE_US.
 *
 * Owns: the thread.
 * Locks: none while the kernel is notified.
 */
#include "watcher.h"

#include "inode.h"
#include "priority.h"

#define EVENTS     256u
#define LATER_MS   1      /* look again at what is being read just now */
#define OVERRUN_MS 1000u  /* two overruns within this time ... */
#define OVERRUNS   3u     /* ... so often: forget everything */
#define PACE_MS    10u    /* told of more than ... */
#define PACE_MANY  50u    /* ... this in that time: */
#define PACE_US    300

struct fs_watcher {
	struct fs *fs;
	pthread_t thread;
	atomic_bool stop, ended;
	bool joined;
	struct fs_held_list list;
	unsigned int overruns;  /* in a row */
	uint64_t overrun_ms;    /* when the last was over */
	uint64_t pace_ms;       /* since when `told` counts */
	size_t told;
	bool paced;
	uint32_t hand;          /* the next set that gives up its absent names */
};

/* ---- telling the kernel ------------------------------------------------------------------------- */

static void forget_entry(struct fs *fs, const void *key, size_t key_size)
{
	char name[SHMFS_NAME_SIZE];

	if (shmfs_name_encode(key, key_size, name) >= 0)
		fuse_lowlevel_notify_inval_entry(fs->session, fs_inode_node(fs, fs->keys_dir), name,
		                                 strlen(name));
}

/* Also its entry?  Says whether that is forgotten. */
static bool forget_inode(struct fs *fs, const struct fs_held *held, const void *key, bool entry)
{
	int rc = fuse_lowlevel_notify_inval_inode(fs->session, held->node, 0, 0);

	if (!entry && rc != -ENOENT)
		return false;
	forget_entry(fs, key, held->key_size);
	if (rc == -ENOENT)
		fuse_lowlevel_notify_inval_inode(fs->session, held->node, 0, 0);
	return true;
}

/* ---- looking ------------------------------------------------------------------------------------- */

/* What is forgotten: CHANGED needs the set to be asked for again. */
enum what { CHANGED, ABSENT, ALL };

static void look_at(struct fs_watcher *w, uint32_t set, const struct fs_held *held, enum what what)
{
	struct fs *fs = w->fs;
	const unsigned char *key = w->list.bytes + held->key;
	struct shmfs_info info = {0};
	bool entry = held->entry;

	if (what == ABSENT && held->node)
		return;
	if (what == CHANGED) {
		int rc = shmfs_exists(fs->store, key, held->key_size, &info);

		if (!rc || rc == -ENOENT)
			entry = held->entry && rc;
		if ((!rc || rc == -ENOENT) && !held->doomed && !entry &&
		    (held->node ? !held->version || held->version == info.version : rc))
			return;
	}
	if (!fs_cache_begin_forget(fs, set, held, key))
		return;
	if (held->node)
		entry = forget_inode(fs, held, key, entry);
	else
		forget_entry(fs, key, held->key_size);
	fs_cache_end_forget(fs, set, held, key, entry);
}

static void look(struct fs_watcher *w, uint32_t set, enum what what)
{
	struct fs *fs = w->fs;

	while (fs_cache_told(fs, set, &w->list) == -ENOMEM)
		usleep(1000); /* what may be stale cannot be left */
	if (!w->list.count)
		return;
	if (what == CHANGED && !fs_cache_want(fs, set))
		what = ALL;
	for (size_t i = 0; i < w->list.count; i++)
		look_at(w, set, &w->list.held[i], what);
}

static void look_at_names(struct fs_watcher *w)
{
	struct fs *fs = w->fs;

	if (fs_cache_names_told(fs))
		fuse_lowlevel_notify_inval_inode(fs->session, fs_inode_node(fs, fs->keys_dir), -1, 0);
}

static void look_at_everything(struct fs_watcher *w)
{
	uint64_t now = fs_now_ms();

	fs_priority(FS_SOON);
	w->overruns = now - w->overrun_ms < OVERRUN_MS ? w->overruns + 1 : 1;
	look_at_names(w);
	for (uint32_t set = 0; set < FS_SETS && !w->stop; set++)
		look(w, set, w->overruns < OVERRUNS ? CHANGED : ALL);
	w->overrun_ms = fs_now_ms();
	fs_priority(FS_FIRST);
}

static void look_at_suspects(struct fs_watcher *w)
{
	uint32_t set;

	for (set = 0; (set = fs_cache_next_suspect(w->fs, set)) < FS_SETS; set++)
		look(w, set, CHANGED);
}

/* Absent names: have the kernel forget some. */
static void make_room(struct fs_watcher *w)
{
	for (uint32_t n = 0; n < FS_SETS && !fs_cache_roomy(w->fs); n++) {
		if (fs_cache_has_absent(w->fs, w->hand))
			look(w, w->hand, ABSENT);
		w->hand = (w->hand + 1) % FS_SETS;
	}
}

static void keep_pace(struct fs_watcher *w, size_t told)
{
	uint64_t now = fs_now_ms();

	if (now - w->pace_ms >= PACE_MS) {
		w->paced = w->told > PACE_MANY;
		w->told = 0;
		w->pace_ms = now;
	}
	w->told += told;
	if (w->paced && told < EVENTS)
		usleep(PACE_US);
}

static void *work(void *arg)
{
	struct fs_watcher *w = arg;
	struct fs *fs = w->fs;
	struct shmfs_watch_event events[EVENTS];
	size_t n;

	fs_priority(FS_FIRST); /* until it runs others may read what is stale */
	while (!w->stop) {
		int rc = fs_cache_wait(fs, fs_cache_suspects(fs) ? LATER_MS : -1, events, EVENTS, &n);

		for (size_t i = 0; i < n; i++) {
			if (events[i].kind == SHMFS_WATCH_EVERYTHING)
				look_at_everything(w);
			if (events[i].names)
				look_at_names(w);
			if (events[i].key)
				look(w, events[i].set, CHANGED);
		}
		if (fs_cache_suspects(fs))
			look_at_suspects(w);
		if (fs_cache_crowded(fs))
			make_room(w);
		keep_pace(w, n);
		if (rc && rc != -ETIMEDOUT && rc != -EINTR && rc != -ECANCELED) {
			fs_say("watching the store: %s; nothing is cached any more", shmfs_strerror(rc));
			fs_cache_off(fs);
			look_at_everything(w);
			break;
		}
	}
	w->ended = true;
	return NULL;
}

int fs_watcher_start(struct fs *fs)
{
	struct fs_watcher *w;
	int rc;

	if (!fs_cache_on(fs))
		return 0;
	w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	w->fs = fs;
	rc = pthread_create(&w->thread, NULL, work, w);
	if (rc) {
		free(w);
		return -rc;
	}
	fs->watcher = w;
	return 0;
}

bool fs_watcher_end(struct fs *fs)
{
	struct fs_watcher *w = fs->watcher;

	if (!w || w->ended)
		return true;
	w->stop = true;
	fs_cache_off(fs);
	fs_cache_wake(fs);
	return false;
}

void fs_watcher_join(struct fs *fs)
{
	struct fs_watcher *w = fs->watcher;

	if (!w || w->joined)
		return;
	fs_watcher_end(fs);
	pthread_join(w->thread, NULL);
	w->joined = true;
}

void fs_watcher_close(struct fs *fs)
{
	struct fs_watcher *w = fs->watcher;

	if (!w)
		return;
	fs->watcher = NULL;
	free(w->list.held);
	free(w->list.bytes);
	free(w);
}
