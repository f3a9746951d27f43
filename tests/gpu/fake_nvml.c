/* A machine's NVML as a text file tells it, for tests: pynvml loads this as libnvidia-ml.so.1.

The folder in the environment variable FAKE_NVML has a file `machine`, read again at each call:
    init error=0 slow=0
    gpu uuid=GPU-a name=Fake total=81920 used=500 util=0 ecc=0 mode=0 mig=0 error=0 slow=0
    mig gpu=0 uuid=MIG-a gi=1 ci=0 total=20480 used=0
    process gpu=0 pid=42 memory=1000 kind=C        (C computes, G draws; gi= and ci= for MIG)
    xid gpu=0 number=79 serial=1                   (told once, by its serial number)
    fail function=nvmlDeviceGetUtilizationRates error=3
Memory is in MiB, `slow` in milliseconds a call, `error` an NVML error number. Files `*.process` in
the folder hold one more `process` line each, which counts, with its memory, while the pid lives;
their `gpu` may also be a uuid. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef unsigned int u32;
typedef unsigned long long u64;
enum { OK = 0, INVALID = 2, UNSUPPORTED = 3, MISSING = 6, SMALL = 7, TIMEOUT = 10 };
enum { MOST = 64 };
#define MIB (1024ULL * 1024ULL)

typedef struct {
    char uuid[96], name[96];
    u64 total, used, ecc;
    u32 util, mode, mig, gi, ci;
    int error, slow, parent, index;
} Device;
typedef struct { int gpu; u32 pid, gi, ci; u64 memory; int missing; char kind; } Process;
typedef struct { int gpu; u32 serial; u64 number; } Xid;
typedef struct {
    int init_error, init_slow, devices, processes, xids, gpus;
    Device device[MOST];
    Process process[4 * MOST];
    Xid xid[MOST];
    char failing[MOST][64];
    int failing_error[MOST], failures;
} Machine;

static u32 told[MOST * 4096];  /* by serial number */

static const char *field(const char *line, const char *key, char *out, size_t size) {
    char wanted[40];
    snprintf(wanted, sizeof wanted, " %s=", key);
    const char *at = strstr(line, wanted);
    out[0] = 0;
    if (!at) return NULL;
    at += strlen(wanted);
    size_t n = strcspn(at, " \n");
    if (n >= size) n = size - 1;
    memcpy(out, at, n);
    out[n] = 0;
    return out;
}

static long long number(const char *line, const char *key) {
    char text[64];
    return field(line, key, text, sizeof text) ? strtoll(text, NULL, 10) : 0;
}

static int find_uuid(const Machine *m, const char *uuid) {
    for (int i = 0; i < m->devices; i++)
        if (!strcmp(m->device[i].uuid, uuid)) return i;
    return -1;
}

static void add_device(Machine *m, const char *line, int parent) {
    Device *d = &m->device[m->devices++];
    char text[96];
    field(line, "uuid", d->uuid, sizeof d->uuid);
    if (field(line, "name", text, sizeof text)) strcpy(d->name, text);
    d->total = number(line, "total") * MIB;
    d->used = number(line, "used") * MIB;
    d->util = number(line, "util");
    d->ecc = number(line, "ecc");
    d->mode = number(line, "mode");
    d->mig = number(line, "mig");
    d->gi = number(line, "gi");
    d->ci = number(line, "ci");
    d->error = number(line, "error");
    d->slow = number(line, "slow");
    d->parent = parent;
    d->index = parent < 0 ? m->gpus++ : 0;
}

static int gpu_at(const Machine *m, int index) {
    for (int i = 0; i < m->devices; i++)
        if (m->device[i].parent < 0 && m->device[i].index == index) return i;
    return -1;
}

/* A process that has ended holds nothing, also where nobody has reaped it yet. */
static int lives(u32 pid) {
    char path[40], line[512];
    snprintf(path, sizeof path, "/proc/%u/stat", pid);
    FILE *file = fopen(path, "r");
    if (!file) return 0;
    char *name = fgets(line, sizeof line, file) ? strrchr(line, ')') : NULL;
    fclose(file);
    return name && name[2] != 'Z' && name[2] != 'X';
}

static void add_process(Machine *m, const char *line, int counts) {
    char text[96];
    Process *p = &m->process[m->processes];
    field(line, "gpu", text, sizeof text);
    p->gpu = strchr(text, '-') ? find_uuid(m, text) : gpu_at(m, atoi(text));
    p->pid = number(line, "pid");
    p->memory = number(line, "memory") * MIB;
    p->missing = number(line, "memory") < 0;
    p->gi = number(line, "gi");
    p->ci = number(line, "ci");
    p->kind = field(line, "kind", text, sizeof text) ? text[0] : 'C';
    if (p->gpu < 0 || (counts && !lives(p->pid))) return;
    if (counts) m->device[p->gpu].used += p->memory;
    m->processes++;
}

static void add_line(Machine *m, const char *line) {
    char text[64];
    if (!strncmp(line, "init ", 5)) {
        m->init_error = number(line, "error");
        m->init_slow = number(line, "slow");
    } else if (!strncmp(line, "gpu ", 4)) {
        add_device(m, line, -1);
    } else if (!strncmp(line, "mig ", 4)) {
        add_device(m, line, gpu_at(m, number(line, "gpu")));
    } else if (!strncmp(line, "process ", 8)) {
        add_process(m, line, 0);
    } else if (!strncmp(line, "xid ", 4)) {
        m->xid[m->xids++] = (Xid){gpu_at(m, number(line, "gpu")), number(line, "serial"),
                                  number(line, "number")};
    } else if (!strncmp(line, "fail ", 5)) {
        strcpy(m->failing[m->failures], field(line, "function", text, sizeof text));
        m->failing_error[m->failures++] = number(line, "error");
    }
}

static void read_lines(Machine *m, const char *path, int counts) {
    char line[1024];
    FILE *file = fopen(path, "r");
    if (!file) return;
    while (fgets(line, sizeof line, file)) {
        if (counts) add_process(m, line, 1);
        else add_line(m, line);
    }
    fclose(file);
}

static void read_machine(Machine *m) {
    char path[4096];
    const char *folder = getenv("FAKE_NVML");
    memset(m, 0, sizeof *m);
    if (!folder) return;
    snprintf(path, sizeof path, "%s/machine", folder);
    read_lines(m, path, 0);
    DIR *dir = opendir(folder);
    for (struct dirent *e; dir && (e = readdir(dir));) {
        size_t n = strlen(e->d_name);
        if (n < 8 || strcmp(e->d_name + n - 8, ".process")) continue;
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        read_lines(m, path, 1);
    }
    if (dir) closedir(dir);
}

static int failing(const Machine *m, const char *function) {
    for (int i = 0; i < m->failures; i++)
        if (!strcmp(m->failing[i], function)) return m->failing_error[i];
    return OK;
}

/* Handles are places in the file, counted from one. */
static int device(Machine *m, void *handle, const char *function, Device **d) {
    read_machine(m);
    long i = (long)handle - 1;
    if (i < 0 || i >= m->devices) return INVALID;
    *d = &m->device[i];
    if ((*d)->slow) usleep((*d)->slow * 1000);
    return (*d)->error ? (*d)->error : failing(m, function);
}
#define DEVICE(handle) Machine m; Device *d; int bad = device(&m, handle, __func__, &d); if (bad) return bad

int nvmlInitWithFlags(u32 flags) {
    Machine m;
    (void)flags;
    read_machine(&m);
    if (m.init_slow) usleep(m.init_slow * 1000);
    return m.init_error;
}
int nvmlInit_v2(void) { return nvmlInitWithFlags(0); }
int nvmlInit(void) { return nvmlInitWithFlags(0); }  /* as PyTorch calls it */
int nvmlShutdown(void) { return OK; }
int nvmlSystemGetDriverVersion(char *out, u32 size) {
    return snprintf(out, size, "simulated") < (int)size ? OK : SMALL;
}
const char *nvmlErrorString(int code) {
    static char text[40];
    switch (code) {
        case 3: return "Not Supported";
        case 4: return "Insufficient Permissions";
        case 9: return "Driver Not Loaded";
        case 15: return "GPU is lost";
        case 18: return "Driver/library version mismatch";
        case 999: return "Unknown Error";
    }
    snprintf(text, sizeof text, "Error %d", code);
    return text;
}
int nvmlDeviceGetCount_v2(u32 *count) {
    Machine m;
    read_machine(&m);
    *count = m.gpus;
    return failing(&m, __func__);
}
int nvmlDeviceGetHandleByIndex_v2(u32 index, void **handle) {
    Machine m;
    read_machine(&m);
    int i = gpu_at(&m, index);
    *handle = (void *)(long)(i + 1);
    if (i < 0) return INVALID;
    if (m.device[i].slow) usleep(m.device[i].slow * 1000);
    return m.device[i].error;
}
int nvmlDeviceGetUUID(void *handle, char *out, u32 size) {
    DEVICE(handle);
    return snprintf(out, size, "%s", d->uuid) < (int)size ? OK : SMALL;
}
int nvmlDeviceGetName(void *handle, char *out, u32 size) {
    DEVICE(handle);
    return snprintf(out, size, "%s", d->name) < (int)size ? OK : SMALL;
}
int nvmlDeviceGetMinorNumber(void *handle, u32 *out) {
    DEVICE(handle);
    *out = d->index;
    return OK;
}
typedef struct { u32 version; u64 total, reserved, free, used; } Memory2;
int nvmlDeviceGetMemoryInfo_v2(void *handle, Memory2 *out) {
    DEVICE(handle);
    out->total = d->total;
    out->reserved = 0;
    out->used = d->used;
    out->free = d->total > d->used ? d->total - d->used : 0;
    return OK;
}
int nvmlDeviceGetMemoryInfo(void *handle, u64 *out) {
    DEVICE(handle);
    out[0] = d->total;
    out[1] = d->total > d->used ? d->total - d->used : 0;
    out[2] = d->used;
    return OK;
}
int nvmlDeviceGetUtilizationRates(void *handle, u32 *out) {
    DEVICE(handle);
    if (d->parent >= 0) return UNSUPPORTED;
    out[0] = out[1] = d->util;
    return OK;
}
int nvmlDeviceGetComputeMode(void *handle, u32 *out) {
    DEVICE(handle);
    *out = d->mode;
    return OK;
}
int nvmlDeviceGetTotalEccErrors(void *handle, u32 type, u32 counter, u64 *out) {
    DEVICE(handle);
    (void)counter;
    if (d->parent >= 0) return UNSUPPORTED;
    *out = type == 1 ? d->ecc : 0;  /* 1: those that could not be corrected */
    return OK;
}
typedef struct { u32 pid; u64 memory; u32 gi, ci; } ProcessInfo;
static int list(void *handle, u32 *count, ProcessInfo *out, char kind, const char *function) {
    Machine m;
    Device *d;
    int bad = device(&m, handle, function, &d);
    if (bad) return bad;
    int own = d - m.device;
    u32 found = 0, room = *count;
    for (int i = 0; i < m.processes; i++) {
        Process *p = &m.process[i];
        int here = p->gpu == own;
        if (d->parent >= 0) here = here || (p->gpu == d->parent && p->gi == d->gi && p->ci == d->ci);
        if (!here || p->kind != kind) continue;
        if (out && found < room)
            out[found] = (ProcessInfo){p->pid, p->missing ? ~0ULL : p->memory, p->gi, p->ci};
        found++;
    }
    *count = found;
    return found > room ? SMALL : OK;
}
int nvmlDeviceGetComputeRunningProcesses_v3(void *handle, u32 *count, ProcessInfo *out) {
    return list(handle, count, out, 'C', __func__);
}
int nvmlDeviceGetComputeRunningProcesses_v2(void *handle, u32 *count, ProcessInfo *out) {
    return list(handle, count, out, 'C', __func__);
}
int nvmlDeviceGetGraphicsRunningProcesses_v3(void *handle, u32 *count, ProcessInfo *out) {
    return list(handle, count, out, 'G', __func__);
}
int nvmlDeviceGetGraphicsRunningProcesses_v2(void *handle, u32 *count, ProcessInfo *out) {
    return list(handle, count, out, 'G', __func__);
}
int nvmlDeviceGetMigMode(void *handle, u32 *current, u32 *pending) {
    DEVICE(handle);
    *current = *pending = d->mig;
    return OK;
}
int nvmlDeviceGetMaxMigDeviceCount(void *handle, u32 *count) {
    DEVICE(handle);
    *count = 7;
    return OK;
}
int nvmlDeviceGetMigDeviceHandleByIndex(void *handle, u32 index, void **out) {
    DEVICE(handle);
    for (int i = 0, seen = 0; i < m.devices; i++)
        if (m.device[i].parent == d - m.device && (u32)seen++ == index) {
            *out = (void *)(long)(i + 1);
            return OK;
        }
    return MISSING;
}
int nvmlEventSetCreate(void **set) {
    *set = &told;
    return OK;
}
int nvmlEventSetFree(void *set) {
    (void)set;
    return OK;
}
int nvmlDeviceRegisterEvents(void *handle, u64 types, void *set) {
    DEVICE(handle);
    (void)types;
    (void)set;
    return OK;
}
typedef struct { void *device; u64 type, data; u32 gi, ci; } Event;
int nvmlEventSetWait_v2(void *set, Event *event, u32 milliseconds) {
    Machine m;
    (void)set;
    read_machine(&m);
    for (int i = 0; i < m.xids; i++) {
        u32 serial = m.xid[i].serial;
        if (serial >= sizeof told / sizeof *told || told[serial]++) continue;
        *event = (Event){(void *)(long)(m.xid[i].gpu + 1), 8, m.xid[i].number, ~0U, ~0U};
        return OK;
    }
    usleep(milliseconds * 1000);
    return failing(&m, __func__) ? failing(&m, __func__) : TIMEOUT;
}
