// SPDX-License-Identifier: MIT
// Part of shmfs.hpp: being told of changes.
#ifndef SHMFSPP_WATCH_HPP
#define SHMFSPP_WATCH_HPP

#include <chrono>
#include <optional>

#include "base.hpp"

namespace shmfspp {

enum watch_mode : std::uint32_t {
	watch_added = 0, // what will be added
	watch_all = SHMFS_WATCH_ALL,
	watch_poll = SHMFS_WATCH_POLL, // also of a read-only store
};

enum class change : std::uint32_t {
	changed = SHMFS_WATCH_CHANGED,
	created = SHMFS_WATCH_CREATED,
	deleted = SHMFS_WATCH_DELETED,
	everything = SHMFS_WATCH_EVERYTHING, // any key may have changed; nothing counts as added any more
};

class event {
public:
	change kind() const noexcept { return static_cast<change>(event_.kind); }
	std::uint32_t set() const noexcept { return event_.set; }
	bool set_added() const noexcept { return event_.key != 0; }     // it has to be again
	bool names_added() const noexcept { return event_.names != 0; } // the same
	std::uint64_t hash() const noexcept { return event_.hash; }
	// May something of this set have changed?
	bool concerns(std::uint32_t set) const noexcept
	{
		return kind() == change::everything || event_.set == set;
	}

private:
	friend class watch;
	::shmfs_watch_event event_{};
};

// Sets of keys are watched: ask, then read, and after each event again.
class watch {
public:
	std::uint32_t set(std::string_view key) const noexcept
	{
		return shmfs_watch_set(store_, key.data(), key.size());
	}
	// Its set, of which one is told once.
	std::uint32_t add(std::string_view key)
	{
		std::uint32_t set = 0;

		detail::check(shmfs_watch_add(watch_.get(), key.data(), key.size(), &set));
		return set;
	}
	void add_set(std::uint32_t set) { detail::check(shmfs_watch_add_set(watch_.get(), set)); }
	void add_names() { add_set(SHMFS_WATCH_NAMES); } // that keys come or go
	// The next event; none: the time is over, a signal came, or wake() was called.
	std::optional<event> wait(std::chrono::milliseconds most)
	{
		auto ms = most.count() > INT32_MAX ? INT32_MAX : most.count() < 0 ? 0 : most.count();

		return wait_ms(static_cast<int>(ms));
	}
	std::optional<event> wait() { return wait_ms(-1); }
	// End the wait that is going on, or else the next.  From any thread, or a signal handler.
	void wake() noexcept { shmfs_watch_wake(watch_.get()); }
	// The key it is about; false: not to be found any more.
	bool key(const event &of, std::string &out) const
	{
		for (;;) {
			std::size_t size = out.size();
			int code = shmfs_watch_key(watch_.get(), &of.event_, out.data(), &size);

			out.resize(code == 0 || code == -EMSGSIZE ? size : 0);
			if (code != -EMSGSIZE)
				return detail::unless(code, -ENOENT);
		}
	}
	void close() noexcept { watch_.reset(nullptr); }

private:
	friend class store;
	watch(::shmfs *s, std::uint32_t mode) : store_(s)
	{
		detail::check(shmfs_watch_open(s, watch_.out(), mode));
	}
	std::optional<event> wait_ms(int ms)
	{
		event e;
		std::size_t n = 0;

		if (!detail::unless(shmfs_watch_wait(watch_.get(), ms, &e.event_, 1, &n), -ETIMEDOUT, -EINTR,
		                    -ECANCELED))
			return std::nullopt;
		return e;
	}
	::shmfs *store_;
	detail::owned<struct ::shmfs_watch, shmfs_watch_close> watch_;
};

} // namespace shmfspp

#endif
