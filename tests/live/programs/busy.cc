// SPDX-License-Identifier: Apache-2.0
//
// A C++ program under load: exceptions thrown through many frames, threads, std containers,
// std::sort with a lambda, std::regex. Runs until it is killed.
#include <algorithm>
#include <functional>
#include <map>
#include <regex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

static volatile size_t sink;

struct guard { // something for the unwinder of exceptions to do on its way
	explicit guard(size_t &n) : n(n) { n++; }
	~guard() { n--; }
	size_t &n;
};

__attribute__((noinline)) static int dive(int depth, size_t &open)
{
	guard g(open);

	if (depth == 0)
		throw std::runtime_error("the bottom");
	return dive(depth - 1, open) + 1;
}

__attribute__((noinline)) static void throw_and_catch(int depth)
{
	size_t open = 0;

	try {
		sink += dive(depth, open);
	} catch (const std::exception &e) {
		sink += std::string(e.what()).size() + open;
	}
}

__attribute__((noinline)) static void containers(unsigned seed)
{
	std::map<std::string, std::vector<unsigned>> map;

	for (unsigned i = 0; i < 200; i++)
		map["key " + std::to_string((seed * 31 + i * 7) % 50)].push_back(i ^ seed);
	for (auto &[key, values] : map)
		std::sort(values.begin(), values.end(), [](unsigned a, unsigned b) { return a > b; });
	sink += map.size();
}

__attribute__((noinline)) static void match(unsigned seed)
{
	static const std::regex pattern("(k[a-z]+) ([0-9]+)-*");
	std::smatch found;
	std::string text = "a key " + std::to_string(seed) + "--- and more";

	sink += std::regex_search(text, found, pattern) ? found.size() : 0;
}

static void work(unsigned start)
{
	const std::vector<std::function<void(unsigned)>> jobs = {
		[](unsigned round) { throw_and_catch(round % 30); }, containers, match};

	for (unsigned round = start;; round++)
		jobs[round % jobs.size()](round);
}

int main()
{
	std::thread other(work, 1u);

	work(2);
	other.join();
}
