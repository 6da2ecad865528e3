// SPDX-License-Identifier: MIT
// Part of shmfs.hpp: values in place, walks, values in the making.
#ifndef SHMFSPP_MAP_HPP
#define SHMFSPP_MAP_HPP

#include <iterator>

#include "base.hpp"

namespace shmfspp {

// ---- a value in place -------------------------------------------------------------------

// Use the bytes, then ask valid(): if it says no, a writer overtook you and what you computed is
// worthless.  Under a pin it is always intact.
class view {
public:
	std::string_view text() const noexcept { return detail::text(view_.data, view_.info.size); }
	const void *data() const noexcept { return view_.data; }
	std::uint64_t size() const noexcept { return view_.info.size; }
	shmfspp::type type() const noexcept { return static_cast<shmfspp::type>(view_.info.type); }
	std::uint64_t version() const noexcept { return view_.info.version; }
	const shmfspp::info &info() const noexcept { return view_.info; }
	bool valid() const { return detail::unless(shmfs_view_valid(store_, &view_), -ESTALE); }

private:
	friend class store;
	friend class entry;
	friend class walk;
	view() noexcept = default;
	::shmfs *store_ = nullptr;
	struct ::shmfs_view view_{};
};

// ---- a walk -----------------------------------------------------------------------------

// Valid until the walk takes its next step.
class entry {
public:
	std::string_view key() const noexcept { return detail::text(entry_.key, entry_.key_size); }
	const shmfspp::view &value() const noexcept { return value_; }
	std::uint64_t cursor() const noexcept { return entry_.cursor; } // store::walk() goes on behind it

private:
	friend class walk;
	::shmfs_entry entry_{};
	shmfspp::view value_;
};

// All keys, once, for a range-based for: walking it twice takes two of them.
class walk {
public:
	class iterator {
	public:
		using iterator_category = std::input_iterator_tag;
		using value_type = entry;
		using difference_type = std::ptrdiff_t;
		using pointer = const entry *;
		using reference = const entry &;

		iterator() noexcept = default;
		reference operator*() const noexcept { return walk_->entry_; }
		pointer operator->() const noexcept { return &walk_->entry_; }
		iterator &operator++()
		{
			if (!walk_->next())
				walk_ = nullptr;
			return *this;
		}
		void operator++(int) { ++*this; }
		bool operator==(const iterator &other) const noexcept { return walk_ == other.walk_; }
		bool operator!=(const iterator &other) const noexcept { return walk_ != other.walk_; }

	private:
		friend class walk;
		explicit iterator(walk *w) : walk_(w) { ++*this; }
		walk *walk_ = nullptr;
	};

	iterator begin() { return iterator(this); }
	iterator end() const noexcept { return {}; }

private:
	friend class store;
	walk(::shmfs *s, std::uint64_t cursor)
	{
		detail::check(shmfs_iter_open(s, iter_.out(), cursor));
		entry_.value_.store_ = s;
	}
	bool next()
	{
		bool found = detail::unless(shmfs_iter_next(iter_.get(), &entry_.entry_), -ENOENT);

		if (found)
			entry_.value_.view_ = entry_.entry_.view;
		return found;
	}
	detail::owned<::shmfs_iter, shmfs_iter_close> iter_;
	entry entry_;
};

// ---- a value in the making --------------------------------------------------------------

class stream {
public:
	// At any offset, in any order; gaps read as zeros.
	void write(std::uint64_t offset, std::string_view bytes)
	{
		detail::check(shmfs_put_write(put_.get(), offset, bytes.data(), bytes.size()));
	}
	void append(std::string_view bytes) { write(size(), bytes); }
	void resize(std::uint64_t bytes) { detail::check(shmfs_put_resize(put_.get(), bytes)); }
	std::uint64_t size() const noexcept { return shmfs_put_size(put_.get()); }
	std::size_t read(std::uint64_t offset, void *to, std::size_t room) const
	{
		detail::check(shmfs_put_read(put_.get(), offset, to, &room));
		return room;
	}
	// Publish it, whole; the new version.  One that throws for want of room, or for the key, may
	// be tried again.
	std::uint64_t commit(std::string_view key, shmfspp::type as = type::bytes)
	{
		std::uint64_t version = 0;

		finish(shmfs_put_commit(put_.get(), key.data(), key.size(), static_cast<std::uint32_t>(as),
		                        &version));
		return version;
	}
	void abort() noexcept { put_.reset(nullptr); }

private:
	friend class store;
	stream(::shmfs *s, std::uint64_t hint) { detail::check(shmfs_put_begin(s, put_.out(), hint)); }
	void finish(int code)
	{
		switch (code) {
		case -EEXIST: case -ENOENT: case -ESTALE: case -ENOSPC: case -EFBIG: case -E2BIG: case -EINVAL:
			break; // it is still ours
		default:
			put_.release();
		}
		detail::check(code);
	}
	detail::owned<struct ::shmfs_put, shmfs_put_abort> put_;
};

} // namespace shmfspp

#endif
