"""What is known about libraries: which can be imported before a fork, and what they read when.

`tests/runtime/executors/local/test_forked_libraries.py` compares forked trials of each library
with a plain run; docs/trials.md explains the choice.
"""

#: Libraries that are known to be safe to fork after import and before use.
LIBRARIES = {
    *("PIL", "cv2", "flax", "h5py", "jax", "joblib", "keras", "lightgbm", "lightning"),
    *("matplotlib", "numba", "numpy", "optax", "pandas", "pyarrow", "pytorch_lightning", "scipy"),
    *("seaborn", "sklearn", "statsmodels", "tensorflow", "torch", "torchmetrics", "torchvision"),
    *("tqdm", "transformers", "xgboost"),
}
#: Threads of libraries that have handlers for forks: the fork goes on without the thread.
HANDLED_THREADS = {"jemalloc_bg_thd"}
#: Common modules of the standard library that keep no per-process state.
STANDARD = {
    *("abc", "argparse", "array", "ast", "base64", "bisect", "collections", "concurrent"),
    *("configparser", "contextlib", "copy", "csv", "ctypes", "dataclasses", "datetime"),
    *("decimal", "enum", "fractions", "functools", "gc", "glob", "gzip", "hashlib", "heapq"),
    *("importlib", "inspect", "io", "itertools", "json", "logging", "math", "multiprocessing"),
    *("numbers", "operator", "os", "pathlib", "pickle", "platform", "pprint", "queue", "random"),
    *("re", "shutil", "signal", "statistics", "string", "struct", "subprocess", "tempfile"),
    *("textwrap", "threading", "time", "traceback", "types", "typing", "uuid", "warnings"),
    *("weakref", "zipfile"),
}
#: Variables that libraries read at first use, which is after the fork, or only for messages.
#: Changing them before an import is harmless.
LATE = {
    *("CUBLAS_WORKSPACE_CONFIG", "CUDA_DEVICE_ORDER", "CUDA_LAUNCH_BLOCKING"),
    *("CUDA_VISIBLE_DEVICES", "PYTHONHASHSEED", "TF_CPP_MIN_LOG_LEVEL"),
    *("TF_FORCE_GPU_ALLOW_GROWTH", "TOKENIZERS_PARALLELISM", "WANDB_MODE", "WANDB_PROJECT"),
    *("WANDB_SILENT", "XLA_PYTHON_CLIENT_MEM_FRACTION", "XLA_PYTHON_CLIENT_PREALLOCATE"),
}
#: Libraries that are not in LIBRARIES and change only variables that no library there reads.
HARMLESS = {"polars", "wandb"}
#: Libraries with threads or queues of their own, in C, that only the interpreter's full shutdown
#: empties: the events of `tf.summary` would be cut off.
NEED_FULL_END = {"tensorflow"}
