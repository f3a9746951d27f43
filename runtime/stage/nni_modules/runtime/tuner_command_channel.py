"""`nni.runtime.tuner_command_channel`: where NNI 3 has the commands of `nni.protocol`."""

from nni.protocol import CommandType, send

__all__ = ["CommandType", "send"]
