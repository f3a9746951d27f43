"""The GPUs of the machine: read through NVML, and locked for an experiment."""
