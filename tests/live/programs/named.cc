// SPDX-License-Identifier: Apache-2.0
// named SECONDS: a C++ function whose name must be read back from its mangled form.
#include <chrono>
#include <cstdlib>
#include <string>
#include <vector>

static volatile unsigned long sink;

namespace shop {
template <typename T> struct Basket {
	__attribute__((noinline)) void fill(const std::vector<T> &items, int n) const
	{
		for (int i = 0; i < n; i++)
			sink = sink + items.size() * static_cast<unsigned long>(i);
	}
};
} // namespace shop

int main(int argc, char **argv)
{
	auto end = std::chrono::steady_clock::now() +
		   std::chrono::duration<double>(argc > 1 ? std::atof(argv[1]) : 1);
	std::vector<std::string> items(3);

	while (std::chrono::steady_clock::now() < end)
		shop::Basket<std::string>().fill(items, 100000);
}
