// SPDX-License-Identifier: MIT
/*
 * What shmfs.hpp promises, by a program that knows nothing but what is installed.
 * Prints a line per case, as tests do; its argument is a directory to write in.
 */
#include <cstdio>
#include <cstdlib>
#include <map>
#include <new>
#include <shmfs.hpp>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

using namespace std::string_view_literals;

static std::size_t allocations;
static int failed;

// Not inlined: gcc would warn of free() beside a new that it knows.
__attribute__((noinline)) void *operator new(std::size_t size)
{
	allocations++;
	if (void *p = std::malloc(size ? size : 1))
		return p;
	throw std::bad_alloc();
}

__attribute__((noinline)) void operator delete(void *p) noexcept { std::free(p); }
__attribute__((noinline)) void operator delete(void *p, std::size_t) noexcept { std::free(p); }

static void check(const char *sentence, bool good)
{
	std::printf("%s - C++: %s\n", good ? "ok" : "not ok", sentence);
	failed += !good;
}

// Does it throw an error equivalent to this one?
template <class Condition, class Work> static bool throws(Condition wanted, Work work)
{
	try {
		work();
	} catch (const shmfspp::error &e) {
		return e.code() == wanted && e.code().category() == shmfspp::category();
	}
	return false;
}

template <class T> constexpr bool only_moves =
	std::is_nothrow_move_constructible_v<T> && std::is_nothrow_move_assignable_v<T> &&
	!std::is_copy_constructible_v<T> && !std::is_copy_assignable_v<T> && std::is_nothrow_destructible_v<T>;

static_assert(only_moves<shmfspp::store> && only_moves<shmfspp::reader> && only_moves<shmfspp::walk> &&
              only_moves<shmfspp::stream> && only_moves<shmfspp::batch> && only_moves<shmfspp::cursor> &&
              only_moves<shmfspp::pin> && only_moves<shmfspp::watch>);

// What a constant store does, and what it does not.
template <class T, class = void> constexpr bool writes = false;
template <class T> constexpr bool writes<T, std::void_t<decltype(std::declval<T &>().put("", ""))>> = true;
template <class T, class = void> constexpr bool appends = false;
template <class T> constexpr bool appends<T, std::void_t<decltype(std::declval<T &>().append(""))>> = true;
using constant = const shmfspp::store;
static_assert(writes<shmfspp::store> && appends<shmfspp::store> && !writes<constant> && !appends<constant>);

// A warning, in C++20, where these are of two enums.
static_assert((SHMFS_STRING | SHMFS_IF_ABSENT) == 0x101);

// ---- the map ----------------------------------------------------------------------------

static void keys(shmfspp::store &s)
{
	std::string value;
	shmfspp::info about{};
	char small[4];

	std::uint64_t first = s.put("greeting", "hello, world", shmfspp::type::string);
	check("a value comes back", s.get("greeting", value, &about) && value == "hello, world");
	check("with its type and version", about.type == SHMFS_STRING && about.version == first);
	check("a view is the same bytes", s.view("greeting")->text() == "hello, world");
	check("what does not fit says its size", s.get("greeting", small, sizeof(small)) == 12u);
	check("what is not there is no value", !s.get("none", value) && !s.view("none") && value.empty());
	check("nor contained", !s.contains("none") && s.contains("greeting"));
	s.put("nul\0key"sv, "nul\0value"sv);
	check("keys and values may hold NULs", s.view("nul\0key"sv)->text() == "nul\0value"sv);
	check("and are not cut at them", !s.contains("nul"));
	s.put("", "");
	check("the empty key has the empty value", s.view("")->text().empty());

	check("if absent refuses what is there", !s.put_if_absent("greeting", "x"));
	check("and puts what is not", s.put_if_absent("new", "x").has_value());
	check("if present refuses what is not there", !s.put_if_present("none", "x"));
	check("another version is refused", !s.put_if_version(first + 1, "greeting", "x"));
	auto second = s.put_if_version(first, "greeting", "goodbye");
	check("the same is replaced", second && *second > first && s.view("greeting")->text() == "goodbye");
	check("a delete of another version does nothing", !s.erase_if_version(first, "greeting"));
	check("of the same it does", s.erase_if_version(*second, "greeting") && !s.contains("greeting"));
	check("a second delete says so", s.erase("new") && !s.erase("new"));

	check("a number counts", s.add("n", 1.5) == 1.5 && s.add("n", -2) == -0.5 && s.number("n") == -0.5);
	s.put_number("n", 1e300);
	check("and can be put", s.number("n") == 1e300 && s.view("n")->type() == shmfspp::type::number);
	s.put("text", "12345678");
	check("text is not a number", throws(std::errc::invalid_argument, [&] { s.number("text"); }));
	check("a rename moves", s.rename("text", "moved") && !s.contains("text") && s.contains("moved"));
	check("from nowhere it does not", !s.rename("text", "moved"));
	check("nor onto something, if asked", !s.rename_if_absent("moved", "n") && s.contains("moved"));
	check("a key too long throws", throws(std::errc::argument_list_too_long,
	                                      [&] { s.put(std::string(65536, 'k'), "x"); }));
}

static void views(shmfspp::store &s)
{
	s.put("v", "before");
	auto v = s.view("v");
	check("a view is valid", v->valid() && v->size() == 6);
	auto p = s.pin();
	auto pinned = s.view("v");
	for (int i = 0; i < 100000; i++)
		s.put("v", "after");
	check("under a pin it stays what it was", pinned->text() == "before" && pinned->valid());
	auto now = s.view("v");
	check("a new one is new", now->text() == "after" && now->valid());
}

static void walks(shmfspp::store &s)
{
	std::map<std::string, std::string> wanted, found;
	std::uint64_t middle = 0;
	std::size_t n = 0, rest = 0;

	for (int i = 0; i < 1000; i++) {
		std::string key = "walk " + std::to_string(i);
		s.put(key, wanted[key] = std::to_string(i * i));
	}
	for (const auto &e : s.walk()) {
		if (e.key().substr(0, 5) == "walk ")
			found.emplace(e.key(), e.value().text());
		if (++n == 100)
			middle = e.cursor();
	}
	check("a walk meets every key with its value", found == wanted);
	for (const auto &e : s.walk(middle))
		rest += e.value().valid();
	check("and goes on behind an entry", rest == n - 100);
	std::vector<shmfspp::item> items(2);
	char one[8] = "1", two[8] = "2";
	items[0].key = "one", items[0].key_size = 3, items[0].value = one, items[0].size = 1;
	items[1].key = "two", items[1].key_size = 3, items[1].value = two, items[1].size = 1;
	s.put_many(items.data(), items.size());
	check("many are put", s.view("one")->text() == "1" && s.view("two")->text() == "2");
	*one = *two = 0;
	items[0].size = items[1].size = 8;
	s.get_many(items.data(), items.size());
	check("and got", items[0].size == 1 && *one == '1' && items[1].status == 0 && *two == '2');
}

static void streams(shmfspp::store &s)
{
	char byte = 0;

	{
		auto lost = s.stream();
		lost.append("never");
	}
	auto p = s.stream(100);
	p.write(4, "o, world");
	p.write(0, "hell");
	check("a stream reads back", p.read(4, &byte, 1) == 1 && byte == 'o' && p.size() == 12);
	check("and is not there before", !s.contains("streamed"));
	check("a key too long leaves it to be tried again", throws(
		std::errc::argument_list_too_long, [&] { p.commit(std::string(65536, 'k')); }));
	p.commit("streamed", shmfspp::type::string);
	check("its commit shows all of it", s.view("streamed")->text() == "hello, world");
}

// ---- the log ----------------------------------------------------------------------------

static void frames(shmfspp::store &s)
{
	std::string copy;
	auto r = s.read_log(shmfspp::log_end);

	check("no frame yet is none", !r.next() && !r.next(copy));
	std::uint64_t at = s.append("first");
	auto f = r.next();
	check("a frame is what was appended", f && f->text() == "first" && f->position() == at && r.valid(*f));
	{
		auto never = s.batch(100, 2);
		never.append("never");
	}
	auto b = s.batch(100, 3);
	b.append("second");
	std::memcpy(b.frame(5), "third", 5);
	b.append("");
	check("a batch is not there before its commit", !r.next());
	at = b.commit();
	check("then all of it is", r.next(copy, &at) && copy == "second" && r.next()->text() == "third" &&
	                                   r.next()->size() == 0 && !r.next());
	check("one that was dropped never was", s.log_bounds().frames == 4);
	check("a reader goes back", r.prev(copy) && copy.empty() && r.prev(copy) && copy == "third");
	r.skip(-2);
	check("and elsewhere", r.next()->text() == "first");
	r.seek(at);
	check("by position", r.position() == at && r.next()->text() == "second");
	check("not into a frame", throws(std::errc::invalid_argument, [&] { r.seek(at + 16); }));
	r.seek(shmfspp::log_end);
	check("a wait for nothing ends", !r.wait(std::chrono::milliseconds(1)));
	if (fork() == 0) {
		usleep(20000);
		shmfspp::store other(std::string("cxx.db"));
		other.append("from afar");
		other.close();
		_exit(0);
	}
	check("one for a frame of another process too", r.wait() && r.next()->text() == "from afar");
	wait(nullptr);
}

static void cursors(shmfspp::store &s)
{
	auto bounds = s.log_bounds();
	auto c = s.cursor("worker", shmfspp::log_begin);
	check("a cursor stands where it was made", c.position() == bounds.head);
	c.set(bounds.end);
	check("and where it is set, also when it is asked for again",
	      s.cursor("worker", shmfspp::log_begin).position() == bounds.end);
	std::uint64_t expected = bounds.head;
	check("it moves only from where it is believed to be",
	      !c.compare_and_set(expected, bounds.head) && expected == bounds.end &&
	      c.compare_and_set(expected, bounds.head) && s.find_cursor("worker")->position() == bounds.head);
	auto lag = s.log_lag(c.position());
	check("it tells how far behind it is", lag.frames == bounds.frames && lag.bytes == bounds.bytes &&
	                                               lag.lost == 0 && s.log_lag(bounds.end).frames == 0);
	check("a deleted one is gone", c.erase() && !c.erase() && !s.find_cursor("worker"));
	check("and has no position",
	      throws(std::errc::no_such_file_or_directory, [&] { c.position(); }));
}

// ---- being told -------------------------------------------------------------------------

static void watches(shmfspp::store &s)
{
	using shmfspp::change;
	const auto moment = std::chrono::milliseconds(1);
	std::string key;
	auto w = s.watch();
	std::uint32_t set = w.add("watched");

	check("nothing happened yet", !w.wait(moment) && set == w.set("watched"));
	if (fork() == 0) {
		usleep(20000);
		shmfspp::store other(std::string("cxx.db"));
		other.put("watched", "from afar");
		other.close();
		_exit(0);
	}
	auto e = w.wait();
	wait(nullptr);
	check("what another process changes is told", e && e->concerns(set) && e->set_added() &&
	                                                      e->kind() == change::created && w.key(*e, key) && key == "watched");
	s.put("watched", "again");
	check("once, until it is added again", !w.wait(moment));
	w.add("watched");
	s.erase("watched");
	e = w.wait(moment);
	check("also that it is gone", e && e->kind() == change::deleted && !e->names_added());
	w.add_names();
	s.put("watched", "x");
	e = w.wait(moment);
	check("and that there are other names", e && e->names_added() && !e->set_added());
	check("a set that is none is refused", throws(std::errc::invalid_argument, [&] { w.add_set(65536); }));
	w.wake();
	check("a wait is ended", !w.wait() && !w.wait(moment));

	std::uint64_t others = s.stat().watchers;
	auto all = s.watch(shmfspp::watch_all);
	s.put("watched", "y");
	auto first = all.wait(moment), second = all.wait(moment);
	check("all changes are told without asking", first && !second && first->kind() == change::changed &&
	                                                     !first->set_added() && all.key(*first, key));
	check("each watch counts", s.stat().watchers == others + 1);
	w = std::move(all);
	check("until it is moved over", s.stat().watchers == others);
	auto &itself = w;
	w = std::move(itself);
	s.put("watched", "z");
	check("a watch moved to itself is told", w.wait(moment).has_value());
	check("one moved from is none", throws(std::errc::invalid_argument, [&] { all.wait(); }));
	w.close();
	check("and one closed", s.stat().watchers == others - 1 &&
	                                throws(std::errc::invalid_argument, [&] { w.add("watched"); }));
	w.wake();

	const shmfspp::store readable("cxx.db", shmfspp::read_only);
	check("a read-only store is not told", throws(std::errc::read_only_file_system, [&] { readable.watch(); }));
	auto polls = readable.watch(shmfspp::watch_poll);
	s.put("watched", "");
	e = polls.wait(std::chrono::seconds(5));
	check("but may look", e && e->kind() == change::everything && e->concerns(set) && !polls.key(*e, key) &&
	                              key.empty());
}

// ---- errors, moves, and what it costs -----------------------------------------------------

static void errors()
{
	auto open = [](const char *path, int mode) { return [=] { shmfspp::store(path, mode); }; };

	check("no file is ENOENT", throws(std::errc::no_such_file_or_directory,
	                                  open("none", shmfspp::read_write)));
	check("a store that is there is EEXIST", throws(std::errc::file_exists,
	                                                open("cxx.db", shmfspp::create_new)));
	check("a text file is no store", throws(std::error_code(SHMFS_E_NOT_STORE, shmfspp::category()),
	                                        open("text", shmfspp::read_only)));
	shmfspp::store readable("cxx.db", shmfspp::read_only);
	check("a read-only handle does not write",
	      throws(std::errc::read_only_file_system, [&] { readable.put("a", "b"); }));
	try {
		shmfspp::options o;
		o.log_limit = 1 << 30;
		shmfspp::store("cxx.db", shmfspp::read_write, o);
		check("an option that differs is refused", false);
	} catch (const std::system_error &e) {
		check("an option that differs is refused, and named",
		      e.code().value() == SHMFS_E_OPTION && std::strstr(e.what(), "log_limit"));
	}
}

static void moves()
{
	shmfspp::store a("cxx.db"), b = std::move(a);
	auto r = b.read_log(), q = std::move(r);

	a = std::move(b);
	check("a moved store works, what it made too", a && !b && a.contains("n") && q.next());
	auto seen = a.snapshot();
	a.put("later", "x");
	check("a snapshot does not see what comes later", !seen.contains("later") && a.contains("later"));
	check("stat counts", a.stat().keys == seen.stat().keys + 1);

	const auto invalid = std::errc::invalid_argument;
	auto p = a.stream(), p2 = std::move(p);
	auto batch = a.batch(10, 1), batch2 = std::move(batch);
	auto walk = a.walk(), walk2 = std::move(walk);
	auto c = a.cursor("moved", shmfspp::log_end), c2 = std::move(c);
	check("what was moved from throws", throws(invalid, [&] { b.put("a", "b"); }) &&
		throws(invalid, [&] { r.next(); }) && throws(invalid, [&] { p.append("a"); }) &&
		throws(invalid, [&] { p.commit("a"); }) && throws(invalid, [&] { batch.append("a"); }) &&
		throws(invalid, [&] { batch.commit(); }) && throws(invalid, [&] { walk.begin(); }) &&
		throws(invalid, [&] { c.set(0); }) && p.size() == 0 && r.position() == 0);
	auto &a1 = a;
	auto &q1 = q;
	auto &c1 = c2;
	auto &p1 = p2;
	a = std::move(a1), q = std::move(q1), c2 = std::move(c1), p2 = std::move(p1);
	p2.append("x");
	p2.commit("itself");
	check("what was moved to itself works", a.contains("itself") && c2.name() == "moved" && c2.erase() &&
	                                                 q.position() != 0);
}

static void destructors()
{
	auto cut = [] { check("(the file can be cut)", truncate("cut.db", 0) == 0); };

	{
		shmfspp::store s("cut.db", shmfspp::create);
		cut();
	}
	check("a destructor does not throw", true);
	shmfspp::store s("cut.db", shmfspp::create);
	cut();
	check("close does", throws(std::errc::io_error, [&] { s.close(); }) && !s);
	s.close();
}

static void costs(shmfspp::store &s)
{
	std::string value(100, ' '), out(100, ' ');
	std::size_t sum = 0;
	auto r = s.read_log(shmfspp::log_end);

	s.put("hot", value);
	s.append(value);
	std::size_t before = allocations;
	for (int i = 0; i < 1000; i++) {
		s.put("hot", value);
		s.append(value);
		sum += s.get("hot", out) + s.view("hot")->size() + s.contains("cold") + r.next(out);
		sum += s.put_if_absent("hot", "x").has_value();
	}
	for (const auto &e : s.walk())
		sum += e.key().size();
	check("nothing on the hot paths allocates", allocations == before && sum > 100000);
}

int main(int argc, char **argv)
{
	if (argc != 2 || chdir(argv[1]))
		return 2;
	std::FILE *text = std::fopen("text", "w");
	for (int i = 0; i < 1000; i++)
		std::fputs("this is no store\n", text);
	std::fclose(text);
	{
		shmfspp::store s("cxx.db", shmfspp::create_new);
		keys(s), views(s), walks(s), streams(s), frames(s), cursors(s), watches(s), costs(s);
		s.sync();
		s.close();
		check("a closed store is none", !s);
	}
	errors();
	moves();
	destructors();
	return failed != 0;
}
