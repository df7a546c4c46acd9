/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/base/confine.h"

#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <unistd.h>

bool confine_has(int cap)
{
	return capng_get_caps_process() == 0 &&
	       capng_have_capability(CAPNG_EFFECTIVE, (unsigned)cap);
}

static bool ids_are(uid_t uid, gid_t gid)
{
	uid_t r, e, s;
	gid_t rg, eg, sg;

	return getresuid(&r, &e, &s) == 0 && getresgid(&rg, &eg, &sg) == 0 && r == uid &&
	       e == uid && s == uid && rg == gid && eg == gid && sg == gid;
}

/* Only CAP_SETPCAP may do this; without it the set stays as the caller gave it. */
static int empty_bounding_set(void)
{
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) && errno != EPERM)
			return -errno;
	return 0;
}

/* The group goes first: the right to change it is lost with the uid. setgroups(2) is denied to
 * those who have no CAP_SETGID and in user namespaces that say so; both keep their groups. */
static int change_ids(uid_t uid, gid_t gid)
{
	if (setgroups(0, NULL) && errno != EPERM)
		return -errno;
	if (setresgid(gid, gid, gid) || setresuid(uid, uid, uid))
		return -errno;
	return 0;
}

/* Leaves `kept`, a bit per capability, and nothing else in any set. */
static int set_caps(uint64_t kept)
{
	capng_clear(CAPNG_SELECT_CAPS);
	for (unsigned cap = 0; cap < 64; cap++)
		if (kept >> cap & 1)
			capng_update(CAPNG_ADD, CAPNG_PERMITTED | CAPNG_EFFECTIVE, cap);
	if (capng_apply(CAPNG_SELECT_CAPS))
		return -EPERM;
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) && errno != EINVAL)
		return -errno;
	return 0;
}

static uint64_t caps_in(capng_type_t set)
{
	uint64_t caps = 0;

	for (unsigned cap = 0; cap < 64; cap++)
		if (capng_have_capability(set, cap))
			caps |= UINT64_C(1) << cap;
	return caps;
}

/* What counts is what the kernel says afterwards. */
static int check(uid_t uid, gid_t gid, uint64_t kept)
{
	if (!ids_are(uid, gid) || capng_get_caps_process())
		return -EPERM;
	if (caps_in(CAPNG_PERMITTED) != kept || caps_in(CAPNG_EFFECTIVE) != kept ||
	    caps_in(CAPNG_INHERITABLE))
		return -EPERM;
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : -EPERM;
}

int confine_become(uid_t uid, gid_t gid, const int *keep, size_t n)
{
	uint64_t kept = 0;
	int r;

	if (capng_get_caps_process())
		return -EPERM;
	for (size_t i = 0; i < n; i++)
		if (keep[i] >= 0 && keep[i] < 64)
			kept |= UINT64_C(1) << keep[i];
	kept &= caps_in(CAPNG_PERMITTED);

	r = empty_bounding_set();
	if (!r && !ids_are(uid, gid)) {
		if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0))
			return -errno;
		r = change_ids(uid, gid);
		prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0);
	}
	if (!r)
		r = set_caps(kept);
	if (!r && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		r = -errno;
	return r ? r : check(uid, gid, kept);
}
