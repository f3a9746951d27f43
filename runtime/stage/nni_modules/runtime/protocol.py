"""`nni.runtime.protocol`: where NNI 2 has `nni.protocol`."""

from nni.protocol import CommandType, receive, send

__all__ = ["CommandType", "receive", "send"]
