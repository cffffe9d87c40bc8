"""The conventions of LLG solvers and of the literature, each to and from one reference form.

- ``slonczewski`` (and spin-orbit torques, whose form is Lambda = 1).  Reference: the fields
  h_a = a/g0 = B epsilon at m.p = 0 and h_b = b/g0 = B epsilon' in A/m, and Lambda, for
  dm/dt = ... + a m x (p x m) + b p x m, with m and p directions of the *magnetisation*.
- ``zhang_li``.  Reference: u (m/s) and beta for dm/dt = ... - (u.grad) m + beta m x (u.grad) m:
  the texture moves along +u, the drift of the electrons.
- ``damping``.  Reference: Gilbert's alpha and g0 (m/(A s)).

Fields and not rates are compared: solvers differ in their gyromagnetic ratio in the fourth
digit, and a torque that keeps its ratio to the fields keeps critical currents and angles.
Each entry was checked against the solver's equation of motion.
"""

from negf_torque.llg.conventions.base import CONTEXT, Convention
from negf_torque.llg.conventions.damping import DAMPING
from negf_torque.llg.conventions.slonczewski import SLONCZEWSKI
from negf_torque.llg.conventions.texture import ZHANG_LI

__all__ = ["CONTEXT", "CONVENTIONS", "Convention"]

#: kind -> name -> convention.
CONVENTIONS: dict[str, dict[str, Convention]] = {
    "slonczewski": SLONCZEWSKI,
    "zhang_li": ZHANG_LI,
    "damping": DAMPING,
}
