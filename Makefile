# SPDX-License-Identifier: Apache-2.0
# pmuscope: `make help` lists the targets.

VERSION  := 0.1.0
BUILD    ?= build
CROSS    ?=
CC        = $(CROSS)gcc
AR        = $(CROSS)gcc-ar
PREFIX   ?= /usr
MANDIR   ?= $(PREFIX)/share/man
LIBEXEC  ?= $(PREFIX)/lib/pmuscope
DESTDIR  ?=

WARN     := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla \
            -Wpointer-arith -Wwrite-strings -Wno-unused-parameter -Wformat=2
HARDEN   := -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE
OPT      ?= -O2 -g
WERROR   ?=
SAN      ?=
SAN_O    ?= -O1
ifneq ($(SAN),)
OPT      := $(SAN_O) -g -fno-omit-frame-pointer -fsanitize=$(SAN) -fno-sanitize-recover=all
HARDEN   := -fPIE
endif

CPPFLAGS := -I. -I$(BUILD)/gen -D_GNU_SOURCE -DPMUSCOPE_VERSION='"$(VERSION)"' \
            -DPMUSCOPE_LIBEXEC='"$(LIBEXEC)"' $(EXTRA_CPPFLAGS)
SYSROOT  ?=
# The same figures on every architecture: no fused multiply-add where the source has two roundings.
CFLAGS   := -std=gnu11 -ffp-contract=off $(SYSROOT:%=--sysroot=%) $(OPT) $(WARN) $(WERROR) $(HARDEN) -MMD -MP \
            $(EXTRA_CFLAGS)
LDFLAGS  := $(SYSROOT:%=--sysroot=%) $(if $(SAN),-fsanitize=$(SAN)) -pie -Wl,-z,relro,-z,now -Wl,--as-needed $(EXTRA_LDFLAGS)

# One archive a folder group; each process links its own and those below it.
SRC_base       := $(wildcard agent/base/*.c)
SRC_wire       := $(wildcard agent/wire/*.c)
SRC_pmu        := $(wildcard pmu/*.c)
SRC_perfdata   := $(wildcard pmu/perfdata/*.c)
SRC_agent      := $(filter-out agent/base/% agent/wire/%,$(wildcard agent/*/*.c))
SRC_symbolizer := $(filter-out %/main.c,$(wildcard symbolizer/*.c))
SRC_exporters  := $(filter-out %/main.c,$(wildcard exporters/*.c))
ARCHIVES       := base wire pmu perfdata agent symbolizer exporters

LIBS_pmuscope            := -lpfm -lcap-ng -lseccomp -lzstd -pthread
LIBS_pmuscope-symbolizer := -ldw -lelf -llzma -ldeflate -lzstd -liberty -lcap-ng -lseccomp
LIBS_pmuscope-exporter   := -lprotobuf-c -lz -ldeflate -lm -lcap-ng -lseccomp

PROGRAMS := pmuscope pmuscope-symbolizer pmuscope-exporter
BINARIES := $(PROGRAMS:%=$(BUILD)/%)

all: $(BINARIES) ## build everything into build/

objs = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
lib  = $(BUILD)/lib/lib$(1).a

define archive
$(call lib,$(1)): $(call objs,$(SRC_$(1))) $(if $(filter exporters,$(1)),$(BUILD)/obj/gen/profile.pb-c.o $(BUILD)/obj/exporters/page.o)
	@mkdir -p $$(@D)
	@rm -f $$@
	$$(Q)$(AR) rcs $$@ $$^
lib-$(1): $(call lib,$(1))
.PHONY: lib-$(1)
endef
$(foreach a,$(ARCHIVES),$(eval $(call archive,$(a))))

$(BUILD)/pmuscope: $(BUILD)/obj/agent/main.o $(foreach a,agent perfdata pmu wire base,$(call lib,$(a)))
$(BUILD)/pmuscope-symbolizer: $(BUILD)/obj/symbolizer/main.o $(foreach a,symbolizer wire base,$(call lib,$(a)))
$(BUILD)/pmuscope-exporter: $(BUILD)/obj/exporters/main.o $(foreach a,exporters wire base,$(call lib,$(a)))
# The helpers are run by another user than the one that builds: whatever the umask, they may be.
$(BINARIES):
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS_$(@F))
	@chmod 755 $@

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

# pprof's messages, from their description, and the page, as it is, inside the exporter.
$(BUILD)/gen/profile.pb-c.c $(BUILD)/gen/profile.pb-c.h &: exporters/profile.proto
	@mkdir -p $(BUILD)/gen
	$(Q)protoc-c --c_out=$(BUILD)/gen -Iexporters exporters/profile.proto
$(BUILD)/obj/gen/%.o: $(BUILD)/gen/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -w -c -o $@ $<
$(call objs,$(SRC_exporters)): | $(BUILD)/gen/profile.pb-c.h
$(BUILD)/obj/exporters/page.o: exporters/page/page.S $(wildcard exporters/page/*)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) -c -o $@ $<

# A unit test is tests/unit/AREA/test_NAME.c (AREA an archive); it links that archive and those
# below it.
UNIT := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(wildcard tests/unit/*/test_*.c))
BELOW_base       := base
BELOW_wire       := wire base
BELOW_pmu        := pmu wire base
BELOW_perfdata   := perfdata pmu wire base
BELOW_agent      := agent perfdata pmu wire base
BELOW_symbolizer := symbolizer wire base
BELOW_exporters  := exporters wire base
TESTLIBS         := -lcmocka -lpfm -ldw -lelf -llzma -ldeflate -lzstd -liberty -lprotobuf-c -lz -lm -lcap-ng -lseccomp
define unit
$(BUILD)/tests/$(1)/test_%: $(BUILD)/obj/tests/unit/$(1)/test_%.o $(foreach a,$(BELOW_$(1)),$(call lib,$(a)))
	@mkdir -p $$(@D)
	$$(Q)$(CC) $(LDFLAGS) -o $$@ $$^ $(TESTLIBS)
endef
$(foreach a,$(ARCHIVES),$(eval $(call unit,$(a))))
.SECONDARY:
unit: $(UNIT) $(BUILD)/oracle-unwind $(BUILD)/recordings-read ## build the unit tests

# A fuzz harness is tests/fuzz/AREA/NAME.c; like a unit test it links its archive and those below
# it. With replay.c in libFuzzer's place it runs the inputs kept in tests/fuzz/corpus/NAME once.
FUZZERS  := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(wildcard tests/fuzz/*/*.c))
# NULL + 0 is nothing bad (C2y, N3322), and clang alone minds it.
FUZZ_ARGS = BUILD=build-fuzz CC=clang SAN_O=-O2 SAN=fuzzer-no-link,address,undefined \
            EXTRA_CFLAGS=-fno-sanitize=pointer-overflow \
            FUZZER='-fsanitize=fuzzer -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=free,--wrap=aligned_alloc'
define fuzzer
$(BUILD)/fuzz/$(1)/%: $(BUILD)/obj/tests/fuzz/$(1)/%.o $(BUILD)/obj/tests/fuzz/$(if $(FUZZER),blocks,replay).o $(foreach a,$(BELOW_$(1)),$(call lib,$(a)))
	@mkdir -p $$(@D)
	$$(Q)$(CC) $(LDFLAGS) $(FUZZER) -o $$@ $$^ $(filter-out -lcmocka,$(TESTLIBS))
endef
$(foreach a,$(ARCHIVES),$(eval $(call fuzzer,$(a))))
fuzzers: $(FUZZERS) ## build the fuzz harnesses

# The oracle unwinds the same samples with libdwfl: see tests/oracle/unwind.c.
$(BUILD)/oracle-unwind: $(BUILD)/obj/tests/oracle/unwind.o $(foreach a,agent perfdata pmu wire base,$(call lib,$(a)))
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(TESTLIBS)

# What we read from a recording of perf, as JSON: see tests/recordings/.
$(BUILD)/recordings-read: $(BUILD)/obj/tests/recordings/read.o $(foreach a,perfdata pmu wire base,$(call lib,$(a)))
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(TESTLIBS)

# Each target below installs the packages it needs (as root; else it prints the line that does).
MAKEALL = $(MAKE) --no-print-directory -j$(shell nproc)
export BUILD

run: ## record this machine for ten seconds while it compiles; ARGS='…' for `record`
	@tests/deps.sh build
	@$(MAKEALL) all
	@tests/demo.sh $(ARGS)

check: ## build, then run every test; TESTS='NAME…' picks some
	@tests/deps.sh build test
	@$(MAKEALL) all unit fuzzers
	@tests/run $(TESTS)

check-recordings: ## compare what we read of RECORDINGS=DIR (../shared/testdata) with others
	@tests/deps.sh build test
	@$(MAKEALL) all unit
	@tests/run live/recordings

layers: ## check who includes whom
	@tests/run static/layers

asan: ## build with sanitizers in build-asan/, run the unit tests and TESTS='NAME…'
	@tests/deps.sh build test
	@$(MAKEALL) BUILD=build-asan SAN=address,undefined all unit fuzzers
	@BUILD=build-asan SLOWER=5 tests/run unit/ fuzz/ $(TESTS)

cross: ## build for aarch64 in build-aarch64/, warnings are errors
	@tests/deps.sh build cross
	@tests/sysroot.sh build-sysroot arm64
	@$(MAKEALL) BUILD=build-aarch64 SYSROOT=build-sysroot CROSS=aarch64-linux-gnu- \
		WERROR=-Werror all unit fuzzers

fuzz: ## fuzz every parser, FUZZ_RUNS=10000000 inputs or FUZZ_SECONDS each; FUZZ='NAME…'
	@tests/deps.sh build fuzz
	@$(MAKEALL) $(FUZZ_ARGS) fuzzers
	@tests/fuzz/run $(FUZZ)

check-qemu: ## run tests in aarch64 guests with an emulated PMU
	@tests/qemu/prepare.sh
	@tests/run $(or $(TESTS),qemu/)

bench: ## speed and memory beside perf (and OTEL=PATH, the OpenTelemetry profiler)
	@tests/deps.sh build test
	@$(MAKEALL) all
	@OTEL='$(OTEL)' tests/bench.sh $(BENCH)

tidy: ## gcc's analyzer, clang-tidy and shellcheck
	@tests/deps.sh build test tidy
	@tests/tidy.sh

install: all ## install below $(DESTDIR)$(PREFIX)
	install -D -m 755 $(BUILD)/pmuscope $(DESTDIR)$(PREFIX)/bin/pmuscope
	install -D -m 755 -t $(DESTDIR)$(LIBEXEC) $(filter %-symbolizer %-exporter,$(BINARIES))
	install -D -m 644 -t $(DESTDIR)$(MANDIR)/man1 $(wildcard docs/*.1)

clean: ## remove what was built
	rm -rf build build-*

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | \
		expand -t 24

export FUZZ_RUNS FUZZ_SECONDS

.PHONY: all unit fuzzers run check check-recordings check-qemu layers asan cross fuzz bench tidy install clean help
Q := $(if $(V),,@)
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
