# SPDX-License-Identifier: Apache-2.0
# pmuscope: `make help` lists the targets.

VERSION  := 0.1.0
BUILD    ?= build
CROSS    ?=
CC        = $(CROSS)gcc
AR        = $(CROSS)gcc-ar
PKGCONFIG ?= $(CROSS)pkg-config
PREFIX   ?= /usr
LIBEXEC  ?= $(PREFIX)/lib/pmuscope
DESTDIR  ?=

WARN     := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla \
            -Wpointer-arith -Wwrite-strings -Wno-unused-parameter -Wformat=2
HARDEN   := -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE
OPT      ?= -O2 -g
WERROR   ?=
SAN      ?=
ifneq ($(SAN),)
OPT      := -O1 -g -fno-omit-frame-pointer -fsanitize=$(SAN) -fno-sanitize-recover=all
HARDEN   := -fPIE
endif

CPPFLAGS := -I. -I$(BUILD)/gen -D_GNU_SOURCE -DPMUSCOPE_VERSION='"$(VERSION)"' \
            -DPMUSCOPE_LIBEXEC='"$(LIBEXEC)"' $(EXTRA_CPPFLAGS)
CFLAGS   := -std=gnu11 $(OPT) $(WARN) $(WERROR) $(HARDEN) -MMD -MP $(EXTRA_CFLAGS)
LDFLAGS  := $(if $(SAN),-fsanitize=$(SAN)) -pie -Wl,-z,relro,-z,now -Wl,--as-needed $(EXTRA_LDFLAGS)

# One archive a folder group; each process links its own and those below it.
SRC_base       := $(wildcard agent/base/*.c)
SRC_wire       := $(wildcard agent/wire/*.c)
SRC_pmu        := $(wildcard pmu/*.c)
SRC_agent      := $(filter-out agent/base/% agent/wire/%,$(wildcard agent/*/*.c))
SRC_symbolizer := $(filter-out %/main.c,$(wildcard symbolizer/*.c))
SRC_exporters  := $(filter-out %/main.c,$(wildcard exporters/*.c))
ARCHIVES       := base wire pmu agent symbolizer exporters

LIBS_pmuscope            := -lpfm -lcap-ng
LIBS_pmuscope-symbolizer := -ldw -lelf -llzma -liberty -lcap-ng -lseccomp
LIBS_pmuscope-exporter   := -lprotobuf-c -lz -lm -lcap-ng -lseccomp

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

$(BUILD)/pmuscope: $(BUILD)/obj/agent/main.o $(foreach a,agent pmu wire base,$(call lib,$(a)))
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
BELOW_agent      := agent pmu wire base
BELOW_symbolizer := symbolizer wire base
BELOW_exporters  := exporters wire base
TESTLIBS         := -lcmocka -lpfm -ldw -lelf -llzma -liberty -lprotobuf-c -lz -lm -lcap-ng -lseccomp
define unit
$(BUILD)/tests/$(1)/test_%: $(BUILD)/obj/tests/unit/$(1)/test_%.o $(foreach a,$(BELOW_$(1)),$(call lib,$(a)))
	@mkdir -p $$(@D)
	$$(Q)$(CC) $(LDFLAGS) -o $$@ $$^ $(TESTLIBS)
endef
$(foreach a,$(ARCHIVES),$(eval $(call unit,$(a))))
.SECONDARY:
unit: $(UNIT) ## build the unit tests

clean: ## remove what was built
	rm -rf build build-*

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

.PHONY: all unit clean help
Q := $(if $(V),,@)
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
