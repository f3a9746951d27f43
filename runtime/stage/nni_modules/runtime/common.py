"""`nni.runtime.common`: where NNI 2 has the switches of `nni.common`."""

from nni.common import init_logger, multi_phase_enabled, multi_thread_enabled

__all__ = ["init_logger", "multi_phase_enabled", "multi_thread_enabled"]
