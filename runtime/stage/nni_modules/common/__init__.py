"""`nni.common`: switches of NNI's dispatcher, which NNI's own algorithms import from there."""

import logging

_LEVELS = {"trace": logging.DEBUG, "fatal": logging.CRITICAL}  # the others have Python's names


def multi_phase_enabled():
    """Whether a trial may ask for parameters more than once, a feature that NNI dropped."""
    return False


def multi_thread_enabled():
    """Whether a tuner is called from several threads. It never is."""
    return False


def init_logger(logger_file_path, log_level_name="info"):
    """Have Python's root logger append to a file, as NNI does; `log_level_name` is NNI's."""
    level = _LEVELS.get(log_level_name, getattr(logging, log_level_name.upper(), logging.INFO))
    handler = logging.FileHandler(logger_file_path, encoding="utf-8", delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s (%(name)s) %(message)s"))
    logging.getLogger().addHandler(handler)
    logging.getLogger().setLevel(level)
