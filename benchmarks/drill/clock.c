/* The wall clock of whatever is started with this in LD_PRELOAD, moved by the seconds that stand in the file CLOCK_FILE,
   also while it runs; the time since boot goes on as it is, as where somebody sets a machine's clock. libfaketime would
   do, but a Python under it cannot sleep once its clock has moved (0.9.10: clock_nanosleep answers EINVAL).
   cc -shared -fPIC -O2 -o clock.so clock.c -ldl */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

typedef int (*reader)(clockid_t, struct timespec *);

static int read_clock(clockid_t clock, struct timespec *at)
{
    static reader real;
    if (!real)
        real = (reader) dlsym(RTLD_NEXT, "clock_gettime");
    return real(clock, at);
}

static long moved_by(void)
{
    static _Atomic long by, looked_at = -1;
    struct timespec since_boot;
    read_clock(CLOCK_MONOTONIC_COARSE, &since_boot);
    if (since_boot.tv_sec != looked_at) {
        char text[32] = "";
        const char *file = getenv("CLOCK_FILE");
        int opened = file ? open(file, O_RDONLY | O_CLOEXEC) : -1;
        looked_at = since_boot.tv_sec;
        if (opened >= 0) {
            if (read(opened, text, sizeof text - 1) > 0)
                by = atol(text);
            close(opened);
        }
    }
    return by;
}

int clock_gettime(clockid_t clock, struct timespec *at)
{
    int answer = read_clock(clock, at);
    if (answer == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        at->tv_sec += moved_by();
    return answer;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone)
{
    struct timespec now;
    (void) zone;
    clock_gettime(CLOCK_REALTIME, &now);
    at->tv_sec = now.tv_sec;
    at->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *at)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    if (at)
        *at = now.tv_sec;
    return now.tv_sec;
}
