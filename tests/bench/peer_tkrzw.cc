// SPDX-License-Identifier: MIT
// Tkrzw: HashDBM in a mapped file, with the buckets it is told to expect; and TinyDBM, whose
// records are in the memory of one process and see a file only when it is closed.  Both: one
// process at a time.
#include <tkrzw_dbm_hash.h>
#include <tkrzw_dbm_tiny.h>
#include <tkrzw_file_mmap.h>

#include <err.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string_view>

#include "peer.h"

namespace {

std::string_view piece(const void *data, size_t size)
{
	return {static_cast<const char *>(data), size};
}

void ok(const tkrzw::Status &status, const char *what)
{
	if (status != tkrzw::Status::SUCCESS)
		errx(1, "tkrzw: %s: %s", what, status.GetMessage().c_str());
}

// Reads in place, where a Get would make a string of the value.
struct reader : tkrzw::DBM::RecordProcessor {
	void *buf = nullptr;
	size_t room = 0;
	int byte = -1;
	uint64_t n = 0, sum = 0;

	std::string_view ProcessFull(std::string_view key, std::string_view value) override
	{
		byte = static_cast<unsigned char>(value[0]);
		if (buf)
			std::memcpy(buf, value.data(), std::min(room, value.size()));
		n++;
		sum += static_cast<unsigned char>(key[0]) + static_cast<unsigned>(byte);
		return NOOP;
	}
};

tkrzw::DBM *dbm(void *at)
{
	return static_cast<tkrzw::DBM *>(at);
}

int64_t buckets(uint64_t keys, int flags)
{
	return flags & PEER_GROWS ? -1 : static_cast<int64_t>(keys + keys / 3);
}

void *open_hash(const char *path, uint64_t keys, int flags)
{
	auto *db = new tkrzw::HashDBM(std::make_unique<tkrzw::MemoryMapParallelFile>());
	tkrzw::HashDBM::TuningParameters how;

	how.num_buckets = buckets(keys, flags);
	how.offset_width = 5;
	ok(db->OpenAdvanced(path, true, flags & PEER_CREATE ? tkrzw::File::OPEN_TRUNCATE : 0, how), "open");
	return static_cast<tkrzw::DBM *>(db);
}

void *open_tiny(const char *path, uint64_t keys, int flags)
{
	auto *db = new tkrzw::TinyDBM(std::make_unique<tkrzw::MemoryMapParallelFile>(), buckets(keys, flags));

	ok(db->Open(path, true, flags & PEER_CREATE ? tkrzw::File::OPEN_TRUNCATE : 0), "open");
	return static_cast<tkrzw::DBM *>(db);
}

void close_store(void *at)
{
	ok(dbm(at)->Close(), "close");
	delete dbm(at);
}

void put(void *at, const void *key, size_t klen, const void *value, size_t size)
{
	ok(dbm(at)->Set(piece(key, klen), piece(value, size)), "set");
}

bool del(void *at, const void *key, size_t klen)
{
	return dbm(at)->Remove(piece(key, klen)) == tkrzw::Status::SUCCESS;
}

int read(void *at, const void *key, size_t klen, void *buf, size_t room)
{
	reader r;

	r.buf = buf;
	r.room = room;
	ok(dbm(at)->Process(piece(key, klen), &r, false), "get");
	return r.byte;
}

bool get(void *at, const void *key, size_t klen, void *buf, size_t room)
{
	return read(at, key, klen, buf, room) >= 0;
}

int look(void *at, const void *key, size_t klen)
{
	return read(at, key, klen, nullptr, 0);
}

uint64_t walk(void *at, uint64_t *sum)
{
	reader r;

	ok(dbm(at)->ProcessEach(&r, false), "walk");
	*sum += r.sum;
	return r.n;
}

void sync_store(void *at)
{
	ok(dbm(at)->Synchronize(true), "sync");
}

void compact(void *at)
{
	ok(dbm(at)->Rebuild(), "rebuild");
}

peer describe(const char *name, void *(*open)(const char *, uint64_t, int))
{
	peer p = peer();

	p.name = name;
	p.writes = 2;
	p.reads = 2;
	p.alone = true;
	p.open = open;
	p.close = close_store;
	p.put = put;
	p.del = del;
	p.get = get;
	p.look = look;
	p.walk = walk;
	p.compact = compact;
	return p;
}

peer describe_hash()
{
	peer p = describe("tkrzw", open_hash);

	p.sync = sync_store;
	return p;
}

} // namespace

extern const struct peer peer_tkrzw = describe_hash();
extern const struct peer peer_tiny = describe("tiny", open_tiny);
