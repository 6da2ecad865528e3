// SPDX-License-Identifier: MIT
// Part of shmfs.hpp: frames, readers, batches, cursors.
#ifndef SHMFSPP_LOG_HPP
#define SHMFSPP_LOG_HPP

#include <chrono>
#include <cstring>
#include <optional>

#include "base.hpp"

namespace shmfspp {

// ---- the log ----------------------------------------------------------------------------

// A frame in place; intact as long as reader::valid() says so.
class frame {
public:
	std::string_view text() const noexcept { return detail::text(view_.data, view_.size); }
	const void *data() const noexcept { return view_.data; }
	std::size_t size() const noexcept { return view_.size; }
	std::uint64_t position() const noexcept { return view_.position; }

private:
	friend class reader;
	::shmfs_frame_view view_{};
};

class reader {
public:
	// The next frame, and step behind it; none: there is none yet.
	std::optional<frame> next()
	{
		frame f;

		if (!detail::unless(shmfs_reader_view(reader_.get(), &f.view_), -ENODATA))
			return std::nullopt;
		return f;
	}
	bool valid(const frame &f) const
	{
		return detail::unless(shmfs_reader_view_valid(reader_.get(), &f.view_), -ESTALE);
	}
	// The same, copied out into a string whose room is used again.
	bool next(std::string &out, std::uint64_t *position = nullptr)
	{
		return copy(shmfs_reader_next, out, position);
	}
	// The one before, and step before it; false: at the oldest one kept.
	bool prev(std::string &out, std::uint64_t *position = nullptr)
	{
		return copy(shmfs_reader_prev, out, position);
	}
	std::uint64_t position() const noexcept { return shmfs_reader_position(reader_.get()); }
	void seek(std::uint64_t position)
	{
		detail::check(shmfs_reader_seek(reader_.get(), SHMFS_SEEK_POSITION,
		                                static_cast<std::int64_t>(position)));
	}
	void skip(std::int64_t frames)
	{
		detail::check(shmfs_reader_seek(reader_.get(), SHMFS_SEEK_FRAMES, frames));
	}
	// Until there is a frame; false: the time is over, or a signal came.
	bool wait(std::chrono::milliseconds most)
	{
		auto ms = most.count() > INT32_MAX ? INT32_MAX : most.count() < 0 ? 0 : most.count();

		return detail::unless(shmfs_reader_wait(reader_.get(), static_cast<int>(ms)), -ETIMEDOUT,
		                      -EINTR);
	}
	bool wait() { return detail::unless(shmfs_reader_wait(reader_.get(), -1), -EINTR); }

private:
	friend class store;
	reader(::shmfs *s, std::uint64_t position)
	{
		detail::check(shmfs_reader_open(s, reader_.out(), position));
	}
	template <class Step> bool copy(Step step, std::string &out, std::uint64_t *position)
	{
		for (;;) {
			std::size_t size = out.size(); // of the frame before: most need no more
			int code = step(reader_.get(), out.data(), &size, position);

			out.resize(code == 0 || code == -EMSGSIZE ? size : 0);
			if (code != -EMSGSIZE)
				return detail::unless(code, -ENODATA);
		}
	}
	detail::owned<::shmfs_reader, shmfs_reader_close> reader_;
};

// Frames written in the mapping, visible all at once.  Readers and sync wait for the commit.
class batch {
public:
	// Room for the next frame, uninitialised, 8-byte aligned, until the commit.
	void *frame(std::size_t size)
	{
		void *data = nullptr;

		detail::check(shmfs_log_frame(batch_.get(), size, &data));
		return data;
	}
	void append(std::string_view bytes)
	{
		void *to = frame(bytes.size());

		if (!bytes.empty())
			std::memcpy(to, bytes.data(), bytes.size());
	}
	// The position of the first.
	std::uint64_t commit()
	{
		std::uint64_t position = 0;

		detail::check(shmfs_log_commit(batch_.release(), &position));
		return position;
	}
	void abort() noexcept { batch_.reset(nullptr); }

private:
	friend class store;
	batch(::shmfs *s, std::size_t bytes, std::size_t frames)
	{
		detail::check(shmfs_log_begin(s, batch_.out(), bytes, frames));
	}
	detail::owned<::shmfs_batch, shmfs_log_abort> batch_;
};

// A name for a position, kept in the store.  The object holds the name, not the place: the one in the
// store outlives it.
class cursor {
public:
	const std::string &name() const noexcept { return name_; }
	std::uint64_t position() const
	{
		std::uint64_t position = 0;

		detail::check(shmfs_cursor_get(store_, name_.data(), name_.size(), &position));
		return position;
	}
	void set(std::uint64_t position)
	{
		detail::check(shmfs_cursor_set(store_, name_.data(), name_.size(), position));
	}
	// Only if it stands at expected; otherwise false, and expected is where it does.
	bool compare_and_set(std::uint64_t &expected, std::uint64_t position)
	{
		return detail::unless(shmfs_cursor_cas(store_, name_.data(), name_.size(), &expected, position),
		                      -EAGAIN);
	}
	// From the store; false: it was gone already.
	bool erase() { return detail::unless(shmfs_cursor_del(store_, name_.data(), name_.size()), -ENOENT); }

	cursor(cursor &&) noexcept = default;
	cursor &operator=(cursor &&other) noexcept
	{
		if (this != &other) { // or a string would be moved to itself
			store_ = other.store_;
			name_ = std::move(other.name_);
		}
		return *this;
	}
	cursor(const cursor &) = delete;
	cursor &operator=(const cursor &) = delete;

private:
	friend class store;
	cursor(::shmfs *s, std::string_view name) : store_(s), name_(name) {}
	::shmfs *store_;
	std::string name_;
};

// Until it is gone no space freed by anybody is used again: keep it short.
class pin {
	friend class store;
	explicit pin(::shmfs *s) { detail::check(shmfs_pin(s, pin_.out())); }
	detail::owned<struct ::shmfs_pin, shmfs_unpin> pin_;
};

} // namespace shmfspp

#endif
