/* Let the Nth change of a file below $FAIL_BELOW, and with FAIL_EVER=1 all after it, fail with $FAIL_WITH.
 *
 * A full disk still renames: a rename fails only where it is the Nth itself. Loaded by LD_PRELOAD, so that libraries in C and C++ meet it as well: they ask no Python. `failing_writes_count()`
 * tells how many changes were asked for. FAIL_AT=0 lets none fail.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static long count;

long failing_writes_count(void) { return __atomic_load_n(&count, __ATOMIC_SEQ_CST); }

static int is_below(const char *path) {
    const char *folder = getenv("FAIL_BELOW");
    return folder && path && !strncmp(path, folder, strlen(folder));
}

static int fails(const char *path, int again) {
    if (!is_below(path)) return 0;
    const char *at = getenv("FAIL_AT"), *error = getenv("FAIL_WITH"), *ever = getenv("FAIL_EVER");
    long wanted = at ? atol(at) : 0, number = __atomic_add_fetch(&count, 1, __ATOMIC_SEQ_CST);
    if (!wanted || number < wanted || (number > wanted && !(again && ever && *ever == '1'))) return 0;
    errno = error ? atoi(error) : ENOSPC;
    return 1;
}

static int fails_by(int folder, const char *path, int again) {
    char link[64], whole[2 * PATH_MAX];
    if (!path || *path == '/') return fails(path, again);
    if (folder == AT_FDCWD) snprintf(link, sizeof link, "/proc/self/cwd");
    else snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
    ssize_t length = readlink(link, whole, PATH_MAX);
    if (length < 0) return 0;
    snprintf(whole + length, PATH_MAX, "/%s", path);
    return fails(whole, again);
}

static int fails_at(int folder, const char *path) { return fails_by(folder, path, 1); }

static int fails_in(int file) {
    char link[64], path[PATH_MAX + 1];
    int before = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, PATH_MAX);
    errno = before;
    if (length < 0) return 0;
    path[length] = 0;
    return fails(path, 1);
}

#define REAL(name) ({ static __typeof__(&name) real; if (!real) real = dlsym(RTLD_NEXT, #name); real; })
#define CHANGES (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC)
#define MODE(flags, last) ({ mode_t mode = 0; if ((flags) & (O_CREAT | O_TMPFILE)) { va_list more; va_start(more, last); \
    mode = va_arg(more, mode_t); va_end(more); } mode; })

int open(const char *path, int flags, ...) {
    mode_t mode = MODE(flags, flags);
    return (flags & CHANGES) && fails_at(AT_FDCWD, path) ? -1 : REAL(open)(path, flags, mode);
}
int open64(const char *path, int flags, ...) {
    mode_t mode = MODE(flags, flags);
    return (flags & CHANGES) && fails_at(AT_FDCWD, path) ? -1 : REAL(open64)(path, flags, mode);
}
int openat(int folder, const char *path, int flags, ...) {
    mode_t mode = MODE(flags, flags);
    return (flags & CHANGES) && fails_at(folder, path) ? -1 : REAL(openat)(folder, path, flags, mode);
}
int openat64(int folder, const char *path, int flags, ...) {
    mode_t mode = MODE(flags, flags);
    return (flags & CHANGES) && fails_at(folder, path) ? -1 : REAL(openat64)(folder, path, flags, mode);
}
FILE *fopen(const char *path, const char *mode) {
    return strpbrk(mode, "wa+") && fails_at(AT_FDCWD, path) ? NULL : REAL(fopen)(path, mode);
}
FILE *fopen64(const char *path, const char *mode) {
    return strpbrk(mode, "wa+") && fails_at(AT_FDCWD, path) ? NULL : REAL(fopen64)(path, mode);
}
ssize_t write(int file, const void *data, size_t size) { return fails_in(file) ? -1 : REAL(write)(file, data, size); }
ssize_t pwrite(int file, const void *data, size_t size, off_t at) {
    return fails_in(file) ? -1 : REAL(pwrite)(file, data, size, at);
}
ssize_t pwrite64(int file, const void *data, size_t size, off64_t at) {
    return fails_in(file) ? -1 : REAL(pwrite64)(file, data, size, at);
}
ssize_t writev(int file, const struct iovec *parts, int number) {
    return fails_in(file) ? -1 : REAL(writev)(file, parts, number);
}
size_t fwrite(const void *data, size_t size, size_t number, FILE *file) {
    return file != stderr && file != stdout && fails_in(fileno(file)) ? 0 : REAL(fwrite)(data, size, number, file);
}
ssize_t sendfile(int to, int from, off_t *at, size_t size) {
    return fails_in(to) ? -1 : REAL(sendfile)(to, from, at, size);
}
ssize_t sendfile64(int to, int from, off64_t *at, size_t size) {
    return fails_in(to) ? -1 : REAL(sendfile64)(to, from, at, size);
}
ssize_t copy_file_range(int from, off64_t *start, int to, off64_t *at, size_t size, unsigned flags) {
    return fails_in(to) ? -1 : REAL(copy_file_range)(from, start, to, at, size, flags);
}
int ftruncate(int file, off_t size) { return fails_in(file) ? -1 : REAL(ftruncate)(file, size); }
int ftruncate64(int file, off64_t size) { return fails_in(file) ? -1 : REAL(ftruncate64)(file, size); }
int fsync(int file) { return fails_in(file) ? -1 : REAL(fsync)(file); }
int mkdir(const char *path, mode_t mode) { return fails_at(AT_FDCWD, path) ? -1 : REAL(mkdir)(path, mode); }
int rename(const char *from, const char *to) { return fails_by(AT_FDCWD, to, 0) ? -1 : REAL(rename)(from, to); }
