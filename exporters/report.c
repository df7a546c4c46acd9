/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/report.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/base/buf.h"
#include "agent/base/fd.h"
#include "agent/base/log.h"
#include "exporters/confined.h"
#include "exporters/gzip.h"
#include "exporters/pprof.h"
#include "exporters/sniff.h"
#include "exporters/table.h"

enum {
	EXIT_FAILED = 125,
	INPUT_MAX = GUNZIP_MAX,
	OUTPUT_MAX = 256 * 1024 * 1024,
	ROWS_DEFAULT = 20,
	ROWS_RESERVED = 4, /* of a screen: headline, heading, last line, the prompt */
	ROWS_MAX = 1000000,
	SNIFF_MAX = 65536, /* the beginning of a file tells what it is */
};

struct request {
	const char *file;
	enum rank_by by;
	bool by_total;
	unsigned rows; /* 0: one screen */
};

static const char usage[] =
	"usage: pmuscope report FILE|- [--sort self|total] [-n N]\n"
	"                       [--by function|file|line|module|process|thread]\n"
	"\n"
	"Prints the functions of a profile, those with most samples of their own first.\n"
	"\n"
	"  FILE          a pprof file, in gzip or plain: ours (record -o FILE.pb.gz), Go's,\n"
	"                others'; or a recording of perf (perf.data), unwound and named here\n"
	"                (--symfs DIR: its files are below DIR; -q: say less); - reads standard input\n"
	"  --sort KEY    self: samples in the function itself (the default);\n"
	"                total: with all that it calls\n"
	"  -n N          rows (default: one screen)\n"
	"  --by WHAT     function (the default), file, line, module, process or thread\n"
	"  --help        this text\n"
	"\n"
	"±95 is half the 95 % interval of self %, in points. A function that calls itself counts\n"
	"once. Code without symbols is one row a module.\n";

static const char *const by_names[] = {
	[RANK_FUNCTION] = "function", [RANK_FILE] = "file", [RANK_LINE] = "line",
	[RANK_MODULE] = "module", [RANK_PROCESS] = "process", [RANK_THREAD] = "thread",
};

static int wrong(const char *what, const char *value, const char *fix)
{
	log_error("report: %s%s%s. %s", what, value ? " " : "", value ? value : "", fix);
	return EXIT_FAILED;
}

static int parse_by(const char *value, enum rank_by *ret)
{
	for (size_t i = 0; i < sizeof(by_names) / sizeof(*by_names); i++)
		if (!strcmp(value, by_names[i])) {
			*ret = (enum rank_by)i;
			return 0;
		}
	return wrong("no table --by", value, "Use function, file, line, module, process or thread");
}

static int parse_sort(const char *value, bool *ret)
{
	if (strcmp(value, "self") != 0 && strcmp(value, "total") != 0)
		return wrong("cannot --sort by", value, "Use self or total");
	*ret = *value == 't';
	return 0;
}

static int parse_rows(const char *value, unsigned *ret)
{
	char *end;
	unsigned long n = strtoul(value, &end, 10);

	if (*value < '0' || *value > '9' || *end || !n || n > ROWS_MAX)
		return wrong("not a number of rows: -n", value, "Use a number from 1 to 1000000");
	*ret = (unsigned)n;
	return 0;
}

enum { HELP = 1 }; /* of parse(): done already */

static int parse(int argc, char **argv, struct request *ret)
{
	static const struct option options[] = {
		{"sort", required_argument, NULL, 's'}, {"by", required_argument, NULL, 'b'},
		{"rows", required_argument, NULL, 'n'}, {"help", no_argument, NULL, 'h'}, {0}};
	int c, r = 0;

	opterr = 0;
	while (!r && (c = getopt_long(argc, argv, ":n:h", options, NULL)) >= 0) {
		switch (c) {
		case 's': r = parse_sort(optarg, &ret->by_total); break;
		case 'b': r = parse_by(optarg, &ret->by); break;
		case 'n': r = parse_rows(optarg, &ret->rows); break;
		case 'h': return fputs(usage, stdout) < 0 ? EXIT_FAILED : HELP;
		case ':': return wrong("a value is missing after", argv[optind - 1],
				       "See `pmuscope report --help`");
		default: return wrong("no such option:", argv[optind - 1],
				      "See `pmuscope report --help`");
		}
	}
	if (!r && argc - optind != 1)
		return wrong(argc == optind ? "no file" : "more than one file", NULL,
			     "Use `pmuscope report FILE`");
	ret->file = argv[optind];
	return r;
}

static int open_input(const char *file, int *ret)
{
	int fd = strcmp(file, "-") != 0 ? open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY) : STDIN_FILENO;

	if (fd < 0) {
		log_error("report: cannot open %s: %s", file, strerror(errno));
		return EXIT_FAILED;
	}
	if (fd == STDIN_FILENO && isatty(fd))
		return wrong("standard input is a terminal", NULL, "Use `pmuscope report FILE`");
	*ret = fd;
	return 0;
}

/* Says why a file is no profile: what it seems to be, else where its bytes stop making sense. */
static int refuse(const char *file, const struct buf *in, const struct pprof_fault *fault)
{
	const char *advice, *seems;
	struct buf plain = BUF_INIT(SNIFF_MAX);
	size_t at;

	seems = sniff(in->data, in->len, &advice);
	if (!seems && gzip_is(in->data, in->len)) {
		(void)gunzip(in->data, in->len, &plain, &at);
		if (plain.len)
			seems = sniff(plain.data, plain.len, &advice);
	}
	if (seems && plain.len)
		log_error("report: %s is not a profile: in its gzip is %s. %s.", file, seems,
			  advice);
	else if (seems)
		log_error("report: %s is not a profile: it is %s. %s.", file, seems, advice);
	else
		log_error("report: %s is not a profile that can be read: byte %zu%s: %s. %s.", file,
			  fault->at, fault->in_gzip ? " of what its gzip holds" : "",
			  fault->what, advice);
	buf_free(&plain);
	return EXIT_FAILED;
}

static int load(const char *file, int fd, struct profile *ret)
{
	struct buf in = BUF_INIT(INPUT_MAX);
	struct pprof_fault fault;
	int r = buf_read_fd(&in, fd), status = 0;

	if (r) {
		log_error("report: cannot read %s: %s", file,
			  r == -EFBIG ? "it is larger than any profile (512 MiB)" : strerror(-r));
		status = EXIT_FAILED;
	} else {
		r = pprof_read(in.data, in.len, ret, &fault);
		if (r == -ENOMEM)
			log_error("report: %s: out of memory", file);
		if (r)
			status = r == -ENOMEM ? EXIT_FAILED : refuse(file, &in, &fault);
	}
	buf_free(&in);
	return status;
}

static unsigned rows_of(const struct request *q, const struct term *t)
{
	if (q->rows)
		return q->rows;
	return t->rows > 2 * ROWS_RESERVED ? t->rows - ROWS_RESERVED : ROWS_DEFAULT;
}

static int print(const struct profile *p, const struct request *q, const struct term *t)
{
	struct buf b = BUF_INIT(OUTPUT_MAX);
	struct rank rank;
	int r = rank_profile(p, q->by, q->by_total, &rank);

	if (!r) {
		table_headline(p, &rank, t, &b);
		table_rows(&rank, q->by, rows_of(q, t), t, &b);
		rank_free(&rank);
		r = b.bad ? -ENOMEM : fd_write_all(STDOUT_FILENO, b.data, b.len);
	}
	buf_free(&b);
	if (r)
		log_error("report: cannot write: %s", strerror(-r));
	return r ? EXIT_FAILED : 0;
}

int report_main(int argc, char **argv)
{
	struct request q = {0};
	struct term t = term_of(STDOUT_FILENO);
	struct profile p;
	int fd = -1, r, status = parse(argc, argv, &q);

	if (status)
		return status == HELP ? 0 : status;
	status = open_input(q.file, &fd);
	if (fd == STDIN_FILENO)
		q.file = "standard input";
	r = status ? 0 : confined_reader();
	if (r) {
		log_error("report: cannot give up its rights: %s", strerror(-r));
		status = EXIT_FAILED;
	}
	if (!status)
		status = load(q.file, fd, &p);
	if (status)
		return status;
	status = print(&p, &q, &t);
	profile_free(&p);
	return status;
}
