/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/symbolizer/compile.h"

#include "agent/wire/sym.h"
#include "symbolizer/demangle.h"

static void test_languages(void **state)
{
	static const struct {
		const char *mangled, *plain; /* NULL: not mangled */
	} cases[] = {
		{"main", NULL},
		{"_start", NULL},
		{"_Z", NULL},
		{"", NULL},
		{"_Zork", NULL},
		{"_ZN3foo3barEi", "foo::bar(int)"},
		{"_ZNSt6vectorIiSaIiEE9push_backERKi",
		 "std::vector<int, std::allocator<int> >::push_back(int const&)"},
		{"_ZN3FooC1Ev", "Foo::Foo()"},
		{"_Z3addIiET_S0_S0_", "add<int>(int, int)"}, /* no return type */
		{"_ZN12_GLOBAL__N_13runEv", "(anonymous namespace)::run()"},
		{"_Z3foov.cold", "foo() [clone .cold]"},
		{"_ZN4core3fmt9Formatter3pad17h0123456789abcdefE", "core::fmt::Formatter::pad"},
		{"_ZN71_$LT$Test$u20$$u2b$$u20$$u27$static$u20$as$u20$foo..Bar$LT$Test$GT$$GT$3bar"
		 "17h930b740aa94f1d3aE", "<Test + 'static as foo::Bar<Test>>::bar"},
		{"_RNvCs15kBYyAo9fc_7mycrate7example", "mycrate::example"},
		{"_RNvMNtCs9ltgdHTiPiY_4core6optionINtB2_6OptionjE6unwrapB2_", NULL},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *s = demangle(cases[i].mangled, strlen(cases[i].mangled));
		if (cases[i].plain)
			assert_string_equal(s ? s : "(null)", cases[i].plain);
		else if (s && cases[i].mangled[1] != 'R')
			fail_msg("%s became %s", cases[i].mangled, s);
		free(s);
	}
}

/* Substitutions of substitutions: the text doubles with every level. */
static void test_bombs_are_bounded(void **state)
{
	char name[DEMANGLE_IN_MAX + 64];
	size_t n = (size_t)sprintf(name, "_Z1fIcE");

	for (int i = 0; i < 200; i++)
		n += (size_t)sprintf(name + n, "1AIS%c_S%c_E", i % 10 + '0', i % 10 + '0');
	free(demangle(name, n));
	memset(name, 'P', sizeof(name));
	memcpy(name, "_Z1f", 4);
	assert_null(demangle(name, sizeof(name)));
	free(demangle(name, DEMANGLE_IN_MAX));
	memset(name, 'N', sizeof(name));
	memcpy(name, "_RNv", 4);
	free(demangle(name, DEMANGLE_IN_MAX));
}

static void test_mutations(void **state)
{
	static const char *const seeds[] = {
		"_ZNSt6vectorIiSaIiEE9push_backERKi",
		"_ZN5boost6detail15sp_counted_implINS_3FooEED0Ev",
		"_RNvXs5_NtCsd4VYFwevHkG_8futures4implINtB5_3FooReENtB7_3Bar3runB9_",
		"_ZN4core3ptr85drop_in_place$LT$std..rt..lang_start$u7b$$u7b$closure$u7d$$u7d$$GT$"
		"17h0123456789abcdefE",
	};
	uint64_t seed = 1;

	for (int i = 0; i < 40000; i++) {
		char s[256];
		size_t len = strlen(seeds[i & 3]);
		char *text;
		memcpy(s, seeds[i & 3], len);
		for (uint32_t k = dice(&seed) % 4; k < 4; k++)
			s[2 + dice(&seed) % (len - 2)] = (char)(33 + dice(&seed) % 94);
		text = demangle(s, 3 + dice(&seed) % (len - 2));
		assert_true(!text || strlen(text) <= SYM_NAME_MAX);
		free(text);
	}
}

/* Pieces of no bytes, for which libiberty hands out NULL. */
static void test_empty_pieces(void **state)
{
	char *text = demangle("_RNCNlC0a100", 12);

	assert_true(!text || *text);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_languages),
		cmocka_unit_test(test_bombs_are_bounded),
		cmocka_unit_test(test_mutations),
		cmocka_unit_test(test_empty_pieces),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
