"""For tools that need setup.py; the configuration is in setup.cfg."""

from setuptools import setup

setup()
