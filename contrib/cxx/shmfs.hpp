// SPDX-License-Identifier: MIT
/*
 * shmfs.hpp: libshmfs for C++17, headers over the C calls and nothing to link; shmfspp(3) explains it.
 *
 *	shmfspp::store s("store.db", shmfspp::create);
 *	s.put("answer", "42");
 *	if (auto v = s.view("answer"))
 *		std::cout << v->text() << '\n';
 *	for (const auto &entry : s.walk())
 *		std::cout << entry.key() << '\n';
 *
 * The namespace cannot be called shmfs: that is a struct of the C header.
 *
 * Owns: each class one thing of the C library, given back by its destructor; all can be moved, none
 * copied.  What a store made must be gone before the store is; moving the store does not disturb it.
 * A view, an entry and a frame own nothing: they point into the mapping.
 * Errors: what is no surprise is a value: no such key, a failed condition, no frame yet.  All else
 * throws shmfspp::error.  Destructors never throw; call close() or commit() to hear of errors.
 * Cost: nothing here allocates but what std::string it returns, a cursor's name, and an error's text.
 */
#ifndef SHMFS_HPP
#define SHMFS_HPP

#include "shmfspp/base.hpp"
#include "shmfspp/log.hpp"
#include "shmfspp/map.hpp"
#include "shmfspp/watch.hpp"

#include <optional>

namespace shmfspp {

// ---- the store --------------------------------------------------------------------------

class store {
public:
	explicit store(const char *path, int mode = read_write, const ::shmfs_options &how = options())
	{
		char why[256] = "";
		::shmfs_options o = how;

		if (!o.message) {
			o.message = why;
			o.message_size = sizeof(why);
		}
		int code = shmfs_open(store_.out(), path, mode, &o);
		if (code < 0)
			throw error(code, o.message_size && o.message[0] ? o.message : path);
	}
	explicit store(const std::string &path, int mode = read_write, const ::shmfs_options &how = options())
		: store(path.c_str(), mode, how) {}

	// What the destructor does, but it tells.
	void close() { detail::check(shmfs_close(store_.release())); }
	void sync() { detail::check(shmfs_sync(handle())); }
	::shmfs *handle() const noexcept { return store_.get(); } // for the calls that have no method here
	explicit operator bool() const noexcept { return handle() != nullptr; }

	// ---- reading

	std::optional<shmfspp::view> view(std::string_view key) const
	{
		shmfspp::view v;

		v.store_ = handle();
		if (!detail::unless(shmfs_view(handle(), key.data(), key.size(), &v.view_), -ENOENT))
			return std::nullopt;
		return v;
	}
	// Copy it out.  The value's size; if that is more than the room, nothing was copied.
	std::optional<std::size_t> get(std::string_view key, void *to, std::size_t room,
	                               shmfspp::info *about = nullptr) const
	{
		int code = shmfs_get(handle(), key.data(), key.size(), to, &room, about);

		if (!detail::unless(code == -EMSGSIZE ? 0 : code, -ENOENT))
			return std::nullopt;
		return room;
	}
	// Into a string whose room is used again.
	bool get(std::string_view key, std::string &out, shmfspp::info *about = nullptr) const
	{
		for (;;) {
			std::size_t room = out.size(); // of the value before
			auto size = get(key, out.data(), room, about);

			out.resize(size.value_or(0));
			if (!size || *size <= room)
				return size.has_value();
		}
	}
	std::optional<double> number(std::string_view key) const
	{
		double value = 0;
		shmfspp::info known{};
		auto size = get(key, &value, sizeof(value), &known);

		if (size && (known.type != SHMFS_NUMBER || *size != sizeof(value)))
			detail::raise(-EINVAL);
		return size ? std::optional<double>(value) : std::nullopt;
	}
	bool contains(std::string_view key, shmfspp::info *about = nullptr) const
	{
		return detail::unless(shmfs_exists(handle(), key.data(), key.size(), about), -ENOENT);
	}
	// Each item has its own status.
	void get_many(item *items, std::size_t n) const { detail::check(shmfs_get_many(handle(), items, n)); }
	// After an entry's cursor, or from the start.
	shmfspp::walk walk(std::uint64_t cursor = 0) const { return {handle(), cursor}; }

	// ---- writing; each returns the new version, or none if the condition failed

	std::uint64_t put(std::string_view key, std::string_view value, shmfspp::type as = type::bytes)
	{
		std::uint64_t version = 0;

		detail::check(shmfs_put(handle(), key.data(), key.size(), value.data(), value.size(),
		                        static_cast<std::uint32_t>(as), &version));
		return version;
	}
	std::uint64_t put_number(std::string_view key, double value)
	{
		return put(key, detail::text(&value, sizeof(value)), type::number);
	}
	std::optional<std::uint64_t> put_if_absent(std::string_view key, std::string_view value,
	                                           shmfspp::type as = type::bytes)
	{
		return put_if(SHMFS_IF_ABSENT, key, value, as, 0);
	}
	std::optional<std::uint64_t> put_if_present(std::string_view key, std::string_view value,
	                                            shmfspp::type as = type::bytes)
	{
		return put_if(SHMFS_IF_PRESENT, key, value, as, 0);
	}
	// version 0: if it is absent
	std::optional<std::uint64_t> put_if_version(std::uint64_t version, std::string_view key,
	                                            std::string_view value, shmfspp::type as = type::bytes)
	{
		return put_if(SHMFS_IF_VERSION, key, value, as, version);
	}
	// Stops at the first error that is not a failed condition; each item has its own status.
	void put_many(item *items, std::size_t n) { detail::check(shmfs_put_many(handle(), items, n)); }
	bool erase(std::string_view key)
	{
		return detail::unless(shmfs_del(handle(), key.data(), key.size(), 0, nullptr), -ENOENT);
	}
	bool erase_if_version(std::uint64_t version, std::string_view key)
	{
		return detail::unless(shmfs_del(handle(), key.data(), key.size(), SHMFS_IF_VERSION, &version),
		                      -ENOENT, -ESTALE);
	}
	// False: there is no `from`.
	bool rename(std::string_view from, std::string_view to)
	{
		return detail::unless(shmfs_rename(handle(), from.data(), from.size(), to.data(), to.size(), 0),
		                      -ENOENT);
	}
	// False: there is no `from`, or there is a `to`.
	bool rename_if_absent(std::string_view from, std::string_view to)
	{
		return detail::unless(shmfs_rename(handle(), from.data(), from.size(), to.data(), to.size(),
		                                   SHMFS_IF_ABSENT), -ENOENT, -EEXIST);
	}
	// The sum; an absent key counts as 0.
	double add(std::string_view key, double delta)
	{
		double sum = 0;

		detail::check(shmfs_add(handle(), key.data(), key.size(), delta, &sum, nullptr));
		return sum;
	}
	shmfspp::stream stream(std::uint64_t size_hint = 0) { return {handle(), size_hint}; }

	// ---- the log

	// The frame's position.
	std::uint64_t append(std::string_view frame)
	{
		std::uint64_t position = 0;

		detail::check(shmfs_log_append(handle(), frame.data(), frame.size(), &position));
		return position;
	}
	shmfspp::batch batch(std::size_t max_bytes, std::size_t max_frames)
	{
		return {handle(), max_bytes, max_frames};
	}
	shmfspp::reader read_log(std::uint64_t position = log_begin) const { return {handle(), position}; }
	void trim_log(std::uint64_t position) { detail::check(shmfs_log_trim(handle(), position)); }
	struct ::shmfs_log_bounds log_bounds() const { return filled(shmfs_log_bounds); }
	struct ::shmfs_log_lag log_lag(std::uint64_t position) const
	{
		struct ::shmfs_log_lag lag = {};

		lag.struct_size = sizeof(lag);
		detail::check(shmfs_log_lag(handle(), position, &lag));
		return lag;
	}

	// The cursor of this name, made at this position unless it is there.
	shmfspp::cursor cursor(std::string_view name, std::uint64_t position)
	{
		detail::unless(shmfs_cursor_create(handle(), name.data(), name.size(), position), -EEXIST);
		return {handle(), name};
	}
	// The one that is there.
	std::optional<shmfspp::cursor> find_cursor(std::string_view name) const
	{
		std::uint64_t position;

		if (!detail::unless(shmfs_cursor_get(handle(), name.data(), name.size(), &position), -ENOENT))
			return std::nullopt;
		return shmfspp::cursor(handle(), name);
	}

	// ---- the whole

	struct ::shmfs_stat stat() const { return filled(shmfs_stat); }
	// The store as it is now, to read; to be gone before this one is.
	store snapshot() const
	{
		store s;

		detail::check(shmfs_snapshot(handle(), s.store_.out()));
		return s;
	}
	shmfspp::pin pin() const { return shmfspp::pin(handle()); }
	// Told of changes from now on; read-only if it polls.
	shmfspp::watch watch(std::uint32_t mode = watch_added) const { return {handle(), mode}; }

private:
	store() noexcept = default;
	std::optional<std::uint64_t> put_if(std::uint32_t condition, std::string_view key,
	                                    std::string_view value, shmfspp::type as, std::uint64_t version)
	{
		int code = shmfs_put(handle(), key.data(), key.size(), value.data(), value.size(),
		                     condition | static_cast<std::uint32_t>(as), &version);

		if (!detail::unless(code, -EEXIST, -ENOENT, -ESTALE))
			return std::nullopt;
		return version;
	}
	template <class T> T filled(int (*fill)(::shmfs *, T *)) const
	{
		T t{};

		t.struct_size = sizeof(t);
		detail::check(fill(handle(), &t));
		return t;
	}
	detail::owned<::shmfs, shmfs_close> store_;
};

} // namespace shmfspp

#endif
