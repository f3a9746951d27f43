"""`nni.runtime.tuner_command_channel`: where NNI 3 has the commands of `nni.runtime.protocol`."""

from nni.runtime.protocol import CommandType, send

__all__ = ["CommandType", "send"]
