"""Spin torques from quantum transport: Green's functions, disorder, gradient expansion, LLG."""

__version__ = "0.1.0"

import warnings as _warnings

# Kwant says on import that its own solvers are slow without MUMPS.  Ours do not use them; what
# its absence means for a user's own calls of Kwant is told where such code is run.
_warnings.filterwarnings("ignore", "MUMPS is not available", RuntimeWarning)
