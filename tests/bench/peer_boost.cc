// SPDX-License-Identifier: MIT
// Boost.Interprocess used well: an unordered_map in a mapped file, short keys in place, found without
// building a shared string, under a sharable lock.
#include <boost/container/string.hpp>
#include <boost/functional/hash.hpp>
#include <boost/interprocess/allocators/allocator.hpp>
#include <boost/interprocess/managed_mapped_file.hpp>
#include <boost/interprocess/sync/interprocess_sharable_mutex.hpp>
#include <boost/interprocess/sync/scoped_lock.hpp>
#include <boost/interprocess/sync/sharable_lock.hpp>
#include <boost/unordered_map.hpp>

#include <algorithm>
#include <cstring>

#include "peer.h"

namespace ipc = boost::interprocess;

namespace {

using manager = ipc::managed_mapped_file::segment_manager;
template <class T> using alloc = ipc::allocator<T, manager>;
using shared_string = boost::container::basic_string<char, std::char_traits<char>, alloc<char>>;

struct piece {
	const char *data;
	size_t size;
};

struct hasher {
	size_t operator()(const piece &p) const { return boost::hash_range(p.data, p.data + p.size); }
	size_t operator()(const shared_string &s) const { return (*this)(piece{s.data(), s.size()}); }
};

struct equal {
	bool operator()(const shared_string &a, const shared_string &b) const { return a == b; }
	bool operator()(const piece &a, const shared_string &b) const
	{
		return a.size == b.size() && std::memcmp(a.data, b.data(), a.size) == 0;
	}
};

using map = boost::unordered_map<shared_string, shared_string, hasher, equal,
                                 alloc<std::pair<const shared_string, shared_string>>>;

struct shared {
	explicit shared(manager *m) : entries(0, hasher(), equal(), m) {}
	ipc::interprocess_sharable_mutex mutex;
	map entries;
};

struct store {
	ipc::managed_mapped_file file;
	shared *in;
};

using reading = ipc::sharable_lock<ipc::interprocess_sharable_mutex>;
using writing = ipc::scoped_lock<ipc::interprocess_sharable_mutex>;

map::const_iterator find(const store *s, const void *key, size_t klen)
{
	return s->in->entries.find(piece{static_cast<const char *>(key), klen}, hasher(), equal());
}

void *open_store(const char *path, uint64_t keys, int flags)
{
	auto *s = new store;

	if (flags & PEER_CREATE) {
		s->file = ipc::managed_mapped_file(ipc::create_only, path, keys * 400 + (16u << 20));
		s->in = s->file.construct<shared>("shared")(s->file.get_segment_manager());
		if (!(flags & PEER_GROWS))
			s->in->entries.reserve(keys);
	} else {
		s->file = ipc::managed_mapped_file(ipc::open_only, path);
		s->in = s->file.find<shared>("shared").first;
	}
	return s;
}

void close_store(void *at)
{
	delete static_cast<store *>(at);
}

void put(void *at, const void *key, size_t klen, const void *value, size_t size)
{
	auto *s = static_cast<store *>(at);
	auto *bytes = static_cast<const char *>(value);
	writing lock(s->in->mutex);
	auto it = s->in->entries.find(piece{static_cast<const char *>(key), klen}, hasher(), equal());

	if (it != s->in->entries.end()) {
		it->second.assign(bytes, size);
		return;
	}
	alloc<char> a(s->file.get_segment_manager());
	s->in->entries.emplace(shared_string(static_cast<const char *>(key), klen, a), shared_string(bytes, size, a));
}

bool del(void *at, const void *key, size_t klen)
{
	auto *s = static_cast<store *>(at);
	writing lock(s->in->mutex);
	auto it = find(s, key, klen);

	if (it == s->in->entries.end())
		return false;
	s->in->entries.erase(it);
	return true;
}

bool get(void *at, const void *key, size_t klen, void *buf, size_t room)
{
	auto *s = static_cast<store *>(at);
	reading lock(s->in->mutex);
	auto it = find(s, key, klen);

	if (it == s->in->entries.end())
		return false;
	std::memcpy(buf, it->second.data(), std::min(room, it->second.size()));
	return true;
}

int look(void *at, const void *key, size_t klen)
{
	auto *s = static_cast<store *>(at);
	reading lock(s->in->mutex);
	auto it = find(s, key, klen);

	return it == s->in->entries.end() ? -1 : static_cast<unsigned char>(it->second[0]);
}

uint64_t walk(void *at, uint64_t *sum)
{
	auto *s = static_cast<store *>(at);
	reading lock(s->in->mutex);
	uint64_t n = 0;

	for (const auto &entry : s->in->entries) {
		*sum += static_cast<unsigned char>(entry.first[0]) + static_cast<unsigned char>(entry.second[0]);
		n++;
	}
	return n;
}

peer describe()
{
	peer p = peer();

	p.name = "boost";
	p.writes = 2;
	p.reads = 2;
	p.open = open_store;
	p.close = close_store;
	p.put = put;
	p.del = del;
	p.get = get;
	p.look = look;
	p.walk = walk;
	return p;
}

} // namespace

extern const struct peer peer_boost = describe();
