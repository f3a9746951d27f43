"""What a machine is, as a driver elsewhere needs to know it."""

from __future__ import annotations

import os
import platform
import shutil
import socket
import sys
import time
from typing import Any, Dict


def facts_of(folder: str) -> Dict[str, Any]:
    """Facts of this machine; `folder` is where the experiment's files lie. Sizes are bytes."""
    return {
        "host": socket.gethostname(),
        "folder": folder,
        "python": sys.executable,
        "version": platform.python_version(),
        "system": platform.platform(),
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "memory": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "free": shutil.disk_usage(folder).free,
        "time": time.time(),
        "pid": os.getpid(),
        "devices": os.environ.get("CUDA_VISIBLE_DEVICES"),
    }
