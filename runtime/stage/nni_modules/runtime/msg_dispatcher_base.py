"""`nni.runtime.msg_dispatcher_base`: where NNI 2 and 3 have `nni.msg_dispatcher_base`."""

from nni.msg_dispatcher_base import MsgDispatcherBase

__all__ = ["MsgDispatcherBase"]
