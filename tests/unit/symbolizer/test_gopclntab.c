/* SPDX-License-Identifier: Apache-2.0
 *
 * .gopclntab against the symbol table of the same program, in every way that Go links one.
 */
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/base/buf.h"
#include "agent/wire/rows.h"
#include "symbolizer/gopclntab.h"
#include "symbolizer/unwind.h"

static char dir[] = "/tmp/pmuscope-gopclntab-XXXXXX";
static bool have_go;

static const char source[] = "package main\n\n"
			     "//go:noinline\n"
			     "func add(a, b int) int {\n"
			     "\treturn a + b\n"
			     "}\n\n"
			     "func main() {\n"
			     "\tprintln(add(1, 2))\n"
			     "}\n";

__attribute__((format(printf, 1, 2))) static bool shell(const char *format, ...)
{
	va_list args;
	char line[2048];
	int status;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	status = system(line); /* our own words only */
	return status != -1 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static int setup(void **state)
{
	char path[256];
	FILE *f;

	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/main.go", dir);
	f = fopen(path, "w");
	if (!f || fputs(source, f) < 0 || fclose(f))
		return -1;
	have_go = shell("go version >/dev/null 2>&1");
	return 0;
}

static int teardown(void **state)
{
	return shell("rm -r %s", dir) ? 0 : -1;
}

static bool build(const char *name, const char *env, const char *flags)
{
	return have_go && shell("cd %s && env %s go build -o %s %s main.go 2>build.log", dir, env,
				name, flags);
}

static struct image *open_image(const char *name)
{
	char path[256];
	struct image *img = NULL;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_int_equal(image_open(open(path, O_RDONLY | O_CLOEXEC), &img), 0);
	return img;
}

/* Calls `fn` for each function symbol of Go's own. */
static void each_symbol(const struct image *img,
			void (*fn)(void *arg, const char *name, uint64_t addr, uint64_t size),
			void *arg)
{
	Elf *elf;
	Elf_Scn *scn = NULL;

	elf_version(EV_CURRENT);
	elf = elf_begin(image_fd(img), ELF_C_READ, NULL);
	while ((scn = elf_nextscn(elf, scn))) {
		Elf_Data *data = elf_getdata(scn, NULL);
		GElf_Shdr sh;
		GElf_Sym sym;
		if (!gelf_getshdr(scn, &sh) || sh.sh_type != SHT_SYMTAB)
			continue;
		for (int i = 0; gelf_getsym(data, i, &sym); i++)
			if (GELF_ST_TYPE(sym.st_info) == STT_FUNC && sym.st_size)
				fn(arg, elf_strptr(elf, sh.sh_link, sym.st_name), sym.st_value,
				   sym.st_size);
	}
	elf_end(elf);
}

struct check {
	const struct gopclntab *tab;
	long same, other;
};

static void check_symbol(void *arg, const char *name, uint64_t addr, uint64_t size)
{
	struct check *c = arg;
	size_t len = strlen(name);
	struct gopclntab_func first, last;

	if (strncmp(name, "runtime.", 8) && strncmp(name, "main.", 5))
		return;
	if (len > 5 && !strcmp(name + len - 5, ".abi0"))
		len -= 5;
	if (!gopclntab_func(c->tab, addr, &first) ||
	    !gopclntab_func(c->tab, addr + size - 1, &last) || first.entry != addr ||
	    last.entry != addr || strlen(first.name) != len || strncmp(first.name, name, len))
		c->other++;
	else
		c->same++;
}

/* Names and extents are those of the symbol table. */
static void names_agree(const char *env, const char *flags)
{
	struct check c = {0};
	struct gopclntab *tab;
	struct image *img;

	if (!build("named", env, flags))
		skip();
	img = open_image("named");
	assert_int_equal(gopclntab_open(img, &tab), 0);
	c.tab = tab;
	each_symbol(img, check_symbol, &c);
	printf("%s %s: %ld agree, %ld differ\n", env, flags, c.same, c.other);
	assert_true(c.same > 500);
	assert_true(c.other * 100 <= c.same); /* runtime.text, runtime.etext, wrappers' names */
	gopclntab_close(&tab);
	image_close(&img);
}

static void plain(void **state)
{
	names_agree("CGO_ENABLED=0", "");
}

static void position_independent(void **state)
{
	names_agree("CGO_ENABLED=0", "-buildmode=pie");
}

static void linked_by_gcc(void **state)
{
	names_agree("CGO_ENABLED=1", "-ldflags=-linkmode=external");
}

static void linked_by_gcc_pie(void **state)
{
	names_agree("CGO_ENABLED=1", "-buildmode=pie -ldflags=-linkmode=external");
}

static void aarch64(void **state)
{
	names_agree("CGO_ENABLED=0 GOARCH=arm64", "");
}

struct wanted {
	const char *name;
	uint64_t addr;
};

static void find_symbol(void *arg, const char *name, uint64_t addr, uint64_t size)
{
	struct wanted *w = arg;

	if (!strcmp(name, w->name))
		w->addr = addr;
}

static uint64_t symbol(const struct image *img, const char *name)
{
	struct wanted w = {name, 0};

	each_symbol(img, find_symbol, &w);
	return w.addr;
}

static void lines(void **state)
{
	struct gopclntab_func f;
	struct gopclntab *tab;
	struct image *img;
	uint64_t add;

	if (!build("lines", "CGO_ENABLED=0", ""))
		skip();
	img = open_image("lines");
	add = symbol(img, "main.add");
	assert_true(add != 0);
	assert_int_equal(gopclntab_open(img, &tab), 0);
	assert_true(gopclntab_func(tab, add, &f));
	assert_string_equal(f.name, "main.add");
	assert_true(f.start_line == 4 || f.start_line == 0); /* Go 1.20 was the first to tell */
	assert_true(f.line == 4 || f.line == 5);
	assert_non_null(strstr(f.file, "main.go"));
	assert_false(gopclntab_func(tab, 0x10, &f));
	assert_false(gopclntab_func(tab, UINT64_MAX, &f));
	gopclntab_close(&tab);
	image_close(&img);
}

/* The row of one address. */
static struct rows_rule rule_of(struct unwind *u, uint64_t pc)
{
	struct buf b = BUF_INIT(16 << 20);
	struct rows_page p;
	struct rows_rule r = {0};

	assert_int_equal(unwind_rows(u, (uint32_t)(pc >> ROWS_PAGE_BITS), &b), 0);
	assert_int_equal(rows_check(b.data, b.len, &p), 0);
	for (uint32_t i = 0; i < p.head.n_rows && p.rows[i].pc_low <= (pc & 0xffff); i++)
		r = p.rules[p.rows[i].rule];
	buf_free(&b);
	return r;
}

static void rows_of(const char *name, const char *env)
{
	static const char *const tops[] = {"runtime.goexit.abi0", "runtime.mstart.abi0",
					   "runtime.rt0_go.abi0", "runtime.systemstack.abi0",
					   "runtime.mcall", "runtime.asmcgocall.abi0",
					   "runtime.morestack.abi0", "_rt0_amd64_linux"};
	struct rows_rule r;
	struct unwind *u;
	struct image *img;
	uint64_t pc;
	int found = 0;

	if (!build(name, env, ""))
		skip();
	img = open_image(name);
	assert_int_equal(unwind_open(img, &u), 0);
	for (size_t i = 0; i < sizeof(tops) / sizeof(tops[0]); i++) {
		pc = symbol(img, tops[i]);
		if (!pc)
			continue;
		r = rule_of(u, pc + 1);
		found++;
		assert_int_equal(r.cfa_kind, ROWS_CFA_REG);
		assert_int_equal(r.ra_kind, ROWS_RA_END);
	}
	assert_true(found >= 6);
	r = rule_of(u, symbol(img, "main.main")); /* before its first instruction */
	assert_int_equal(r.cfa_kind, ROWS_CFA_REG);
	assert_int_equal(r.ra_kind, image_machine(img) == EM_X86_64 ? ROWS_RA_CFA : ROWS_RA_REG);
	assert_int_equal(r.cfa_off, image_machine(img) == EM_X86_64 ? 8 : 0);
	pc = symbol(img, "runtime.sigreturn__sigaction.abi0");
	if (pc) {
		assert_int_equal(rule_of(u, pc - 1).cfa_kind, ROWS_CFA_SIGFRAME);
		assert_int_equal(rule_of(u, pc).cfa_kind, ROWS_CFA_SIGFRAME);
		assert_int_equal(rule_of(u, pc + 7).cfa_kind, ROWS_CFA_SIGFRAME);
	}
	unwind_close(&u);
	image_close(&img);
}

static void rows(void **state)
{
	rows_of("rows", "CGO_ENABLED=0");
}

static void rows_aarch64(void **state)
{
	rows_of("rows-arm64", "CGO_ENABLED=0 GOARCH=arm64");
}

static void not_go(void **state)
{
	struct gopclntab *tab;
	struct image *img;

	assert_int_equal(image_open(open("/proc/self/exe", O_RDONLY | O_CLOEXEC), &img), 0);
	assert_int_equal(gopclntab_open(img, &tab), -ENOENT);
	image_close(&img);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain),
		cmocka_unit_test(position_independent),
		cmocka_unit_test(linked_by_gcc),
		cmocka_unit_test(linked_by_gcc_pie),
		cmocka_unit_test(aarch64),
		cmocka_unit_test(lines),
		cmocka_unit_test(rows),
		cmocka_unit_test(rows_aarch64),
		cmocka_unit_test(not_go),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
