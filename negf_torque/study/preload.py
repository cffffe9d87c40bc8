"""Imports that every worker process needs, made once before the workers are born."""

import numpy  # noqa: F401
import xarray  # noqa: F401

import negf_torque.study.card
import negf_torque.study.packed
import negf_torque.study.worker  # noqa: F401
