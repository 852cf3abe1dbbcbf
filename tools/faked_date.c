/* Another date for a process and all that it starts, without their knowing: for LD_PRELOAD.

   FAKED_DATE says how many seconds the wall clock is ahead (negative: behind). What is read from
   the wall clock is later by that, the times of files as well; times that are given to files are
   put back by it. What counts from the boot (monotonic clocks, pauses, time limits) stays as it
   is: under libfaketime 0.9.10 time.sleep() of Python 3.11 and later fails, and waiting for an
   event hangs. tools/at-date compiles this. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>

/* The function of the C library that stands behind ours. */
#define BEHIND(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static time_t ahead(void)
{
    static int known;
    static time_t seconds;
    if (!known) {
        const char *text = getenv("FAKED_DATE");
        seconds = text ? (time_t)atoll(text) : 0;
        known = 1;
    }
    return seconds;
}

/* What is read from the clock. */

int clock_gettime(clockid_t clock, struct timespec *now)
{
    static __typeof__(&clock_gettime) behind;
    if (!behind)
        behind = BEHIND(clock_gettime);
    int failed = behind(clock, now);
    if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_TAI))
        now->tv_sec += ahead();
    return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    (void)zone;
    struct timespec precise;
    int failed = clock_gettime(CLOCK_REALTIME, &precise);
    now->tv_sec = precise.tv_sec;
    now->tv_usec = precise.tv_nsec / 1000;
    return failed;
}

time_t time(time_t *where)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (where)
        *where = now.tv_sec;
    return now.tv_sec;
}

/* What is waited for by the clock. */

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *until, struct timespec *left)
{
    struct timespec moved = *until;
    if (clock == CLOCK_REALTIME && (flags & TIMER_ABSTIME))
        moved.tv_sec -= ahead();
    return BEHIND(clock_nanosleep)(clock, flags, &moved, left);
}

/* The times of files. */

#define MOVED(found)                                                                               \
    (found->st_atim.tv_sec += ahead(), found->st_mtim.tv_sec += ahead(), found->st_ctim.tv_sec += ahead())

#define STAT(name, type, parameters, arguments)                                                    \
    int name parameters                                                                            \
    {                                                                                              \
        int failed = BEHIND(name) arguments;                                                       \
        if (!failed)                                                                               \
            MOVED(found);                                                                          \
        return failed;                                                                             \
    }

STAT(stat, stat, (const char *restrict path, struct stat *restrict found), (path, found))
STAT(lstat, stat, (const char *restrict path, struct stat *restrict found), (path, found))
STAT(fstat, stat, (int file, struct stat *found), (file, found))
STAT(fstatat, stat, (int folder, const char *restrict path, struct stat *restrict found, int flags), (folder, path, found, flags))
STAT(stat64, stat64, (const char *restrict path, struct stat64 *restrict found), (path, found))
STAT(lstat64, stat64, (const char *restrict path, struct stat64 *restrict found), (path, found))
STAT(fstat64, stat64, (int file, struct stat64 *found), (file, found))
STAT(fstatat64, stat64, (int folder, const char *restrict path, struct stat64 *restrict found, int flags), (folder, path, found, flags))

int statx(int folder, const char *restrict path, int flags, unsigned mask, struct statx *restrict found)
{
    int failed = BEHIND(statx)(folder, path, flags, mask, found);
    if (!failed) {
        found->stx_atime.tv_sec += ahead();
        found->stx_btime.tv_sec += ahead();
        found->stx_ctime.tv_sec += ahead();
        found->stx_mtime.tv_sec += ahead();
    }
    return failed;
}

static const struct timespec *put_back(const struct timespec given[2], struct timespec moved[2])
{
    if (!given)
        return NULL; /* now */
    for (int i = 0; i < 2; i++) {
        moved[i] = given[i];
        if (given[i].tv_nsec != UTIME_NOW && given[i].tv_nsec != UTIME_OMIT)
            moved[i].tv_sec -= ahead();
    }
    return moved;
}

int utimensat(int folder, const char *path, const struct timespec times[2], int flags)
{
    struct timespec moved[2];
    return BEHIND(utimensat)(folder, path, put_back(times, moved), flags);
}

int futimens(int file, const struct timespec times[2])
{
    struct timespec moved[2];
    return BEHIND(futimens)(file, put_back(times, moved));
}
