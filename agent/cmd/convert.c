/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cmd/convert.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "agent/base/log.h"
#include "agent/cmd/recorded.h"
#include "agent/cmd/recording.h"

static const char help[] =
	"usage: pmuscope convert [options] FILE|- -o OUT [-o OUT]…\n"
	"\n"
	"Reads a recording of perf (perf record's perf.data, or what it writes to a pipe), unwinds and\n"
	"names its stacks here, and writes profiles.\n"
	"\n"
	"  FILE             the recording; - reads standard input: perf record -o - … | pmuscope convert -\n"
	"  -o OUT           output, by its name: .pb.gz (pprof), .html (flame graph), .folded; several\n"
	"                   are possible; `-o -` is standard output in pprof's format\n"
	"  --symfs DIR      the recorded machine's files are below DIR (--sysroot is the same)\n"
	"  -q               say less\n"
	"  --help           this text\n"
	"\n"
	"Needs no privilege. A program whose build ID is not the recorded one is not used. Kernel\n"
	"addresses have names where this kernel, in this boot, was recorded.\n";

enum { OPT_SYMFS = 256, DONE = 1 };

static int wrong(const char *what, const char *value)
{
	log_error("convert: %s%s%s. See `pmuscope convert --help`", what, value ? " " : "",
		  value ? value : "");
	return EXIT_FAILED;
}

static int add_output(struct recorded *r, const char *path)
{
	struct output *out = &r->outputs[r->n_outputs];
	char why[512];

	if (r->n_outputs == OUTPUTS_MAX || strlen(path) >= sizeof(out->path))
		return wrong("too many outputs, or too long a path:", path);
	*out = (struct output){.fd = -1};
	strcpy(out->path, path);
	if (output_format(path, &out->format, why, sizeof(why))) {
		log_error("convert: %s", why);
		return EXIT_FAILED;
	}
	if (output_is_recording(out))
		return wrong("writes profiles (.pb.gz, .html, .folded), not recordings:", path);
	r->n_outputs++;
	return 0;
}

static int parse(int argc, char **argv, struct recorded *r)
{
	static const struct option longs[] = {{"symfs", required_argument, NULL, OPT_SYMFS},
					      {"sysroot", required_argument, NULL, OPT_SYMFS},
					      {"output", required_argument, NULL, 'o'},
					      {"quiet", no_argument, NULL, 'q'},
					      {"help", no_argument, NULL, 'h'},
					      {0}};
	int c, e = 0;

	opterr = 0;
	while (!e && (c = getopt_long(argc, argv, ":o:f:qh", longs, NULL)) >= 0) {
		switch (c) {
		case 'o':
		case 'f': e = add_output(r, optarg); break;
		case OPT_SYMFS: r->root = optarg; break;
		case 'q': r->quiet = true; break;
		case 'h': return fputs(help, stdout) < 0 ? EXIT_FAILED : DONE;
		case ':': return wrong("a value is missing after", argv[optind - 1]);
		default: return wrong("no such option:", argv[optind - 1]);
		}
	}
	if (e)
		return e;
	if (argc - optind != 1)
		return wrong(argc == optind ? "no file to read" : "more than one file to read", NULL);
	if (!r->n_outputs)
		return wrong("no output: -o FILE.pb.gz, FILE.html or FILE.folded", NULL);
	r->file = argv[optind];
	return 0;
}

int cmd_convert(int argc, char **argv)
{
	static struct recorded rec; /* large, and there is one */
	int e;

	rec.memory = -1;
	e = parse(argc, argv, &rec);
	if (e)
		return e == DONE ? 0 : e;
	return recorded_run(&rec);
}
