// SPDX-License-Identifier: MIT
// Print one value: c++ -std=c++17 get.cc $(pkg-config --cflags --libs shmfs) -o get; ./get STORE KEY
#include <iostream>
#include <shmfs.hpp>

int main(int argc, char **argv)
{
	if (argc != 3) {
		std::cerr << "get: STORE KEY wanted\n";
		return 1;
	}
	try {
		shmfspp::store store(argv[1], shmfspp::read_only);
		std::string value;

		if (!store.get(argv[2], value))
			throw shmfspp::error(-ENOENT, argv[2]);
		std::cout << value;
	} catch (const shmfspp::error &e) {
		std::cerr << "get: " << e.what() << '\n';
		return 1;
	}
}
