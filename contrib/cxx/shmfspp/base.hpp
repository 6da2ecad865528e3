// SPDX-License-Identifier: MIT
// Part of shmfs.hpp: errors, words, and the pointer that each class owns.
#ifndef SHMFSPP_BASE_HPP
#define SHMFSPP_BASE_HPP

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

// A struct and a function of one name, as struct stat and stat(): gcc calls that a shadow.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#include <shmfs.h>
#pragma GCC diagnostic pop

namespace shmfspp {

// ---- errors ---------------------------------------------------------------------------

// Codes are those of the C library: negated errno, or SHMFS_E_.  An errno is equivalent to its
// std::errc, so that e.code() == std::errc::read_only_file_system works.
class category_type : public std::error_category {
public:
	const char *name() const noexcept override { return "shmfs"; }
	std::string message(int code) const override { return shmfs_strerror(code); }
	std::error_condition default_error_condition(int code) const noexcept override
	{
		return code < 0 && code > -4096 ? std::error_condition(-code, std::generic_category())
		                                : std::error_condition(code, *this);
	}
};

inline const std::error_category &category() noexcept
{
	static const category_type the_one;
	return the_one;
}

class error : public std::system_error {
public:
	error(int code, const std::string &what) : std::system_error(code, category(), what) {}
	explicit error(int code) : std::system_error(code, category()) {}
};

namespace detail {

[[noreturn]] inline void raise(int code) { throw error(code); }

inline int check(int code)
{
	if (code < 0)
		raise(code);
	return code;
}

// True if it was done, false if the code is one that is no surprise.
template <class... Codes> bool unless(int code, Codes... expected)
{
	if (code == 0)
		return true;
	for (int known : {expected...})
		if (code == known)
			return false;
	raise(code);
}

// The pointer that a class owns: moved, not copied, given back once.
template <class T, auto Free> class owned {
public:
	owned() noexcept = default;
	explicit owned(T *p) noexcept : p_(p) {}
	owned(owned &&other) noexcept : p_(other.release()) {}
	owned &operator=(owned &&other) noexcept
	{
		if (this != &other)
			reset(other.release());
		return *this;
	}
	owned(const owned &) = delete;
	owned &operator=(const owned &) = delete;
	~owned() { reset(nullptr); }

	T *get() const noexcept { return p_; }
	T **out() noexcept { return &p_; } // only of an empty one
	T *release() noexcept { return std::exchange(p_, nullptr); }
	void reset(T *p) noexcept
	{
		if (p_)
			static_cast<void>(Free(p_));
		p_ = p;
	}

private:
	T *p_ = nullptr;
};

inline std::string_view text(const void *data, std::uint64_t size) noexcept
{
	return {static_cast<const char *>(data), static_cast<std::size_t>(size)};
}

} // namespace detail

// ---- words ------------------------------------------------------------------------------

enum open_mode : int {
	read_only = SHMFS_RDONLY,
	read_write = SHMFS_RDWR,
	create = SHMFS_RDWR | SHMFS_CREATE,
	create_new = SHMFS_RDWR | SHMFS_CREATE | SHMFS_EXCL,
};

enum class type : std::uint32_t { bytes = SHMFS_BYTES, string = SHMFS_STRING, number = SHMFS_NUMBER };

using info = ::shmfs_info;
using item = ::shmfs_item;

constexpr std::uint64_t log_begin = SHMFS_LOG_BEGIN;
constexpr std::uint64_t log_end = SHMFS_LOG_END;

// Options of a new store, all at their defaults.
struct options : ::shmfs_options {
	options() noexcept : ::shmfs_options{} { struct_size = sizeof(::shmfs_options); }
};

} // namespace shmfspp

#endif
