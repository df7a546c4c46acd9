/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/helpers/effective.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

struct caps {
	struct __user_cap_data_struct half[_LINUX_CAPABILITY_U32S_3];
};

static struct __user_cap_header_struct header(void)
{
	return (struct __user_cap_header_struct){.version = _LINUX_CAPABILITY_VERSION_3};
}

static int caps_get(struct caps *c)
{
	struct __user_cap_header_struct h = header();
	return syscall(SYS_capget, &h, c->half) ? -errno : 0;
}

static int caps_set(const struct caps *c)
{
	struct __user_cap_header_struct h = header();
	return syscall(SYS_capset, &h, c->half) ? -errno : 0;
}

int effective_get(uint64_t *ret)
{
	struct caps c;
	int r = caps_get(&c);

	if (!r)
		*ret = c.half[0].effective | (uint64_t)c.half[1].effective << 32;
	return r;
}

int effective_set(uint64_t caps)
{
	struct caps c;
	int r = caps_get(&c);

	if (r)
		return r;
	c.half[0].effective = (uint32_t)caps & c.half[0].permitted;
	c.half[1].effective = (uint32_t)(caps >> 32) & c.half[1].permitted;
	return caps_set(&c);
}

int effective_switch(int cap, bool on)
{
	uint64_t now;
	int r = effective_get(&now);

	if (r)
		return r;
	return effective_set(on ? now | UINT64_C(1) << cap : now & ~(UINT64_C(1) << cap));
}

int effective_give_up(uint64_t keep)
{
	struct caps c;
	int r = caps_get(&c);

	if (r)
		return r;
	c.half[0].permitted &= (uint32_t)keep;
	c.half[1].permitted &= (uint32_t)(keep >> 32);
	c.half[0].effective = c.half[1].effective = 0;
	c.half[0].inheritable = c.half[1].inheritable = 0;
	return caps_set(&c);
}
