"""The GPUs of this machine: read, chosen, leased, and watched."""
