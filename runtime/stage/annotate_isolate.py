"""Gives a trial a working folder of its own, over the user's: its writes stay with the trial.

`python annotate_isolate.py OPTIONS COMMAND ...` runs a command there; a fork calls `enter`. OPTIONS
are JSON:
    method   "overlay" or "copy"
    folder   the working folder, links resolved
    changes  an empty folder for what the trial writes
    scratch  an empty folder on the same file system as `changes`
    keep     paths below `folder` that stay as they are: the experiments' own

overlay: mounts an overlay over the folder, which only this process and its children see.
copy: copies the folder to `changes` and runs there. `copied.json` in `scratch` has the state of
each copied file, by which the driver later finds those that the trial left unchanged.
Python 3.8, standard library only.
"""

import ctypes
import errno
import json
import os
import shutil
import stat
import sys

_NEWNS, _NEWUSER = 0x00020000, 0x10000000
_BIND, _REC, _SLAVE = 4096, 16384, 1 << 19
_CAPABILITIES = 0x20080522  # version 3 of capset(2)
_CLONE = 0x40049409  # ioctl FICLONE


def enter(options):
    """Move this process, which must have one thread, to the trial's working folder.

    Raises OSError.
    """
    place = os.path.relpath(os.path.realpath(os.getcwd()), options["folder"])
    if options["method"] == "overlay":
        _overlay(options)
        os.environ["NNI_OWN_FOLDER"] = options["folder"]
        os.chdir(os.path.join(options["folder"], place))
    else:
        copy(options)
        os.environ.update(NNI_COPIED_FOLDER=options["folder"], NNI_COPY=options["changes"])
        os.chdir(os.path.join(options["changes"], place))
        os.environ["PWD"] = os.getcwd()


# An overlay


def _overlay(options):
    libc = ctypes.CDLL(None, use_errno=True)
    folder = options["folder"]
    own_users = _unshare(libc)
    _mount(libc, "none", "/", None, _REC | _SLAVE)
    # What the overlay hides is reached through descriptors, and mounted over it again.
    kept = {path: os.open(path, os.O_PATH) for path in [*_mounts(folder), *options["keep"]]}
    layers = [os.open(options[n], os.O_PATH) for n in ("folder", "changes", "scratch")]
    flags = "userxattr," if own_users else ""
    # Descriptors instead of paths, which may contain commas and colons.
    words = "%slowerdir=/proc/self/fd/%d,upperdir=/proc/self/fd/%d,workdir=/proc/self/fd/%d"
    _mount(libc, "overlay", folder, "overlay", 0, words % (flags, *layers))
    for path, descriptor in kept.items():
        _mount(libc, "/proc/self/fd/%d" % descriptor, path, None, _BIND | _REC)
    for descriptor in [*kept.values(), *layers]:
        os.close(descriptor)
    if own_users:
        _drop_capabilities(libc)


def _unshare(libc):
    """Enter a mount namespace; returns whether that needed a user namespace too."""
    if libc.unshare(_NEWNS) == 0:
        return False
    user, group = os.geteuid(), os.getegid()
    _check(libc.unshare(_NEWNS | _NEWUSER), "unshare")
    _write("/proc/self/setgroups", "deny")
    _write("/proc/self/uid_map", "%d %d 1" % (user, user))
    _write("/proc/self/gid_map", "%d %d 1" % (group, group))
    return True


def _drop_capabilities(libc):
    """Give up what the user namespace allows, so that the trial may do no more than its user."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITIES, 0)
    _check(libc.capset(header, (ctypes.c_uint32 * 6)()), "capset")


def _mounts(folder):
    """The file systems mounted below the folder, outermost only (proc_pid_mountinfo(5))."""
    with open("/proc/self/mountinfo", "rb") as file:
        fields = [line.split()[4] for line in file]
    names = [os.fsdecode(f.decode("unicode_escape").encode("latin-1")) for f in fields]
    below = sorted({n for n in names if n.startswith(os.path.join(folder, "")) and n != folder})
    return [n for n in below if not any(n.startswith(other + "/") for other in below)]


def _mount(libc, source, target, kind, flags, data=None):
    words = [word if word is None else os.fsencode(word) for word in (source, target, kind)]
    _check(libc.mount(*words, ctypes.c_ulong(flags), data and data.encode()), "mount " + target)


def _check(result, call):
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, "%s: %s" % (call, os.strerror(number)))


def _write(path, text):
    with open(path, "w") as file:
        file.write(text)


# A copy


def copy(options):
    """Copy the folder to `changes`, and record in `scratch` what was copied."""
    folder, target = options["folder"], options["changes"]
    copied = {}
    for above, folders, files in os.walk(folder):
        here = os.path.join(target, os.path.relpath(above, folder))
        folders[:] = [n for n in folders if os.path.join(above, n) not in options["keep"]]
        for name in [*folders, *files]:
            source, goal = os.path.join(above, name), os.path.join(here, name)
            if os.path.islink(source):
                os.symlink(_target(source, folder, target), goal)
            elif name in folders:
                os.mkdir(goal)
            elif stat.S_ISREG(os.stat(source).st_mode):
                _copy_file(source, goal)
            else:
                continue  # a pipe or a socket
            if name in files or os.path.islink(goal):
                copied[os.path.relpath(goal, target)] = _state(goal)
    with open(os.path.join(options["scratch"], "copied.json"), "w") as file:
        json.dump(copied, file)


def _target(link, folder, copied):
    """Where the copy of a link leads: within the copy, or to the same place outside the folder."""
    goal = os.path.realpath(link)
    if goal != folder and not goal.startswith(os.path.join(folder, "")):
        return goal
    return os.path.join(copied, os.path.relpath(goal, folder))


def _copy_file(source, goal):
    with open(source, "rb") as data, open(goal, "wb") as file:
        if not _clone(data.fileno(), file.fileno()):
            shutil.copyfileobj(data, file, 1 << 20)
    shutil.copystat(source, goal)


def _clone(source, goal):
    """Share the blocks of one open file with another; False if the file system cannot."""
    import fcntl

    try:
        fcntl.ioctl(goal, _CLONE, source)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        return False
    return True


def _state(path):
    status = os.lstat(path)
    return [status.st_ino, status.st_size, status.st_mtime_ns, status.st_mode]


if __name__ == "__main__":
    try:
        enter(json.loads(sys.argv[1]))
        os.execvp(sys.argv[2], sys.argv[2:])
    except OSError as _error:
        sys.exit("--isolate: %s" % (_error.strerror or _error))
