"""Tabulated torques as field terms, for solvers that take fields of the user's.

A spin torque is the field h_a(c, x) m x p + h_b(c, x) p, c = m.p, x the drive: any table of angles
and voltages, several polarisers too, is written as it is (`negf_torque.llg.torques`).  magnum.np
takes a class with a method h, mumax3 an expression of quantities.
"""

from collections.abc import Sequence

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import NDArray

from negf_torque.llg.export.common import vector
from negf_torque.llg.torques import SpinTorque
from negf_torque.llg.valve import ValveTorque
from negf_torque.units import MU0

__all__ = ["MAGNUMNP_CLASS", "magnumnp_term", "mumax3_terms", "needs_table", "table_remarks"]

#: Deviation of the Slonczewski form from which the table itself is written beside it.
TABLE_FROM = 1e-3

MAGNUMNP_CLASS = '''

class TabulatedSpinTorque:
    """h = h_a(c) m x p + h_b(c) p in A/m, Chebyshev series in c = m.p, powers of the drive."""

    def __init__(self, p, damping_like, field_like, denominator, drive):
        self.p = torch.tensor(p)
        self.damping_like, self.field_like = damping_like, field_like
        self.denominator, self.drive = denominator, drive

    def h(self, state):
        c = (state.m * self.p).sum(dim=3, keepdim=True)
        x = self.drive(float(state.t))
        d1, d2 = self.denominator
        a = self.series(c, x, self.damping_like) / (1 + c * (d1 + c * d2))
        b = self.series(c, x, self.field_like)
        return a * torch.linalg.cross(state.m, self.p.expand_as(state.m)) + b * self.p

    @staticmethod
    def series(c, x, rows):
        total = torch.zeros_like(c)
        for row in reversed(rows):
            b1, b2 = torch.zeros_like(c), torch.zeros_like(c)
            for value in reversed(row[1:]):
                b1, b2 = value + 2 * c * b1 - b2, b1
            total = total * x + row[0] + c * b1 - b2
        return total


'''


def needs_table(torque: ValveTorque) -> bool:
    """Whether the table says more than the Slonczewski form with a constant epsilon'."""
    worst = max(torque.slonczewski().max_relative_residual, torque.epsilon_prime()[1])
    return worst >= TABLE_FROM


def table_remarks(torques: Sequence[SpinTorque]) -> tuple[str, ...]:
    """What the header says of a file with tables."""
    worst = max(torque.deviation for torque in torques)
    return (
        "This file: the angular table itself, as a polynomial in m.p through its angles (largest",
        f"deviation {worst:.1e}), in a field term of its own.  WHAT IS LOST above refers",
        "to the Slonczewski form, which this file does not use.",
    )


def _rows(table: NDArray) -> str:
    return "[" + ", ".join(f"[{vector(row)}]" for row in table) + "]"


def magnumnp_term(torque: SpinTorque, drive: str) -> str:
    """Expression of one `TabulatedSpinTorque`; `drive` is source of a function of time (s)."""
    return (
        f"TabulatedSpinTorque(\n    [{vector(torque.direction)}],\n"
        f"    {_rows(torque.damping_like)},\n    {_rows(torque.field_like)},\n"
        f"    ({vector(torque.denominator)}),\n    {drive},\n)"
    )


def _monomials(table: NDArray, drive: float) -> NDArray:
    """Coefficients of powers of c at one drive, tesla."""
    series = sum(drive**k * row for k, row in enumerate(table))
    return MU0 * chebyshev.cheb2poly(series)


def mumax3_terms(torques: Sequence[SpinTorque], drive: float) -> list[str]:
    """Lines that add the fields of the torques at one drive to B_eff, in tesla.

    Horner's scheme on vectors: mumax3 adds vectors only.  m x p is a matrix times m.
    """
    lines = []
    for n, torque in enumerate(torques, start=1):
        x, y, z = torque.direction
        rows = ((0.0, z, -y), (-z, 0.0, x), (y, -x, 0.0))
        matrix = ", ".join(f"ConstVector({vector(row)})" for row in rows)
        lines += [
            f"p{n} := ConstVector({vector(torque.direction)})",
            f"c{n} := Dot(m, p{n})",
            f"mxp{n} := MulMV({matrix}, m)",
        ]
        d1, d2 = torque.denominator
        for name, base, table in (
            ("a", f"mxp{n}", torque.damping_like),
            ("b", f"p{n}", torque.field_like),
        ):
            coefficients = np.trim_zeros(_monomials(table, drive), "b")
            if not len(coefficients):
                continue
            here = f"{name}{n}_{len(coefficients) - 1}"
            lines.append(f"{here} := Mul(Const({float(coefficients[-1])!r}), {base})")
            for k in range(len(coefficients) - 2, -1, -1):
                step = f"Mul(Const({float(coefficients[k])!r}), {base})"
                lines.append(f"{name}{n}_{k} := Add({step}, Mul(c{n}, {here}))")
                here = f"{name}{n}_{k}"
            if name == "a" and (d1 or d2):
                # 1 + c (d1 + c d2) as p.[p + c (d1 p + d2 c p)]
                inner = f"Add(Mul(Const({float(d1)!r}), p{n}), Mul(Mul(Const({float(d2)!r}), "
                inner += f"c{n}), p{n}))"
                lines.append(f"d{n} := Dot(p{n}, Add(p{n}, Mul(c{n}, {inner})))")
                lines.append(f"e{n} := Div({here}, d{n})")
                here = f"e{n}"
            lines.append(f"AddFieldTerm({here})")
    return lines
