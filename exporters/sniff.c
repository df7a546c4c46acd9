/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/sniff.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

enum { TEXT_SAMPLE = 4096 };

#define OURS "report reads pprof files, as `pmuscope record -o FILE.pb.gz` writes them"

static const struct {
	const char *magic;
	size_t len;
	const char *what;
} magics[] = {
	{"\x7f" "ELF", 4, "an ELF file (a program, a library, or a core dump)"},
	{"PERFILE2", 8, "a recording of perf (perf.data)"},
	{"PK\x03\x04", 4, "a zip archive"},
	{"\xfd" "7zXZ", 5, "an xz file"},
	{"\x28\xb5\x2f\xfd", 4, "a zstd file"},
	{"BZh", 3, "a bzip2 file"},
	{"JFR", 4, "a Java Flight Recorder file"},
	{"%PDF", 4, "a PDF file"},
	{"\x89PNG", 4, "a PNG picture"},
	{"#!", 2, "a script"},
};

static bool is_text(const uint8_t *b, size_t len)
{
	for (size_t i = 0; i < len && i < TEXT_SAMPLE; i++)
		if ((b[i] < ' ' && b[i] != '\n' && b[i] != '\t' && b[i] != '\r') || b[i] == 0x7f)
			return false;
	return len > 0;
}

static const uint8_t *skip_space(const uint8_t *b, const uint8_t *end)
{
	if (end - b >= 3 && !memcmp(b, "\xef\xbb\xbf", 3)) /* a byte order mark */
		b += 3;
	while (b < end && (*b == ' ' || *b == '\n' || *b == '\r' || *b == '\t'))
		b++;
	return b;
}

/* "frame;frame 12" in the first line. */
static bool is_folded(const uint8_t *b, size_t len)
{
	const uint8_t *nl = memchr(b, '\n', len), *at = nl;
	size_t digits = 0;

	while (at && at > b && at[-1] >= '0' && at[-1] <= '9') {
		at--;
		digits++;
	}
	return digits && at > b && at[-1] == ' ' && memchr(b, ';', (size_t)(at - b));
}

static bool begins(const uint8_t *b, size_t left, const char *with)
{
	size_t n = strlen(with);
	return left >= n && !strncasecmp((const char *)b, with, n);
}

static const char *text_kind(const uint8_t *b, size_t len, const char **advice)
{
	const uint8_t *at = skip_space(b, b + len);
	size_t left = len - (size_t)(at - b);

	if (begins(at, left, "<!doctype html") || begins(at, left, "<html")) {
		*advice = OURS "; record both with `-o FILE.html -o FILE.pb.gz`";
		return "an HTML page";
	}
	if (begins(at, left, "<?xml") || begins(at, left, "<svg"))
		return begins(at, left, "<svg") ? "an SVG picture" : "an XML file";
	if (!is_text(b, len))
		return NULL;
	if (left && (*at == '{' || *at == '['))
		return "JSON";
	return is_folded(b, len) ? "folded stacks" : "text";
}

const char *sniff(const void *bytes, size_t len, const char **ret_advice)
{
	*ret_advice = OURS;
	if (!len)
		return "empty";
	for (size_t i = 0; i < sizeof(magics) / sizeof(*magics); i++)
		if (len >= magics[i].len && !memcmp(bytes, magics[i].magic, magics[i].len))
			return magics[i].what;
	return text_kind(bytes, len, ret_advice);
}
