"""The GPUs of this machine: read through NVML, leased to trials, and monitored."""
