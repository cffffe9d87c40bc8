"""Spin torques from quantum transport: Green's functions, disorder, gradient expansion, LLG."""

__version__ = "0.1.0"
