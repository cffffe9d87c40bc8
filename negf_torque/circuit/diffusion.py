"""Noncollinear drift-diffusion of a layered stack (Valet and Fert) at a given current.

The current density j (particle current times e, toward +x) is the same in all layers.  With the
potential V_0 and the spin accumulation V_s (half the splitting), rho the resistivity rho* and l
the spin-flip length:

    normal layer:   j_s = -V_s'/rho,            V_0' = -rho j,              V_s'' = V_s/l^2,
    ferromagnet:    j_s = beta j - W'/rho,      V_0' = -rho (j - beta j_s), W''  = W/l^2,

V_s a vector, W the accumulation along m.  At an interface with resistance r and asymmetry gamma
the drop from left to right is r (j - gamma j_s) for V_0 and r (j_s - gamma j) for the spin along
m; the transverse spin current absorbed by the ferromagnet is 2 G_r V_s_perp - 2 G_i m x V_s.
T. Valet and A. Fert, Phys. Rev. B 48, 7099 (1993); noncollinear boundary: A. Brataas et al.
(see `negf_torque.circuit.contact`), M. D. Stiles and A. Zangwill, J. Appl. Phys. 91, 6812 (2002).

Any consistent units will do: here ohm m for rho, m for lengths, ohm m^2 for r, and
1/(ohm m^2) for mixing conductances; j = 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from negf_torque.spin import unit_vector

__all__ = ["Interface", "Layer", "StackSolution", "profile", "solve_stack", "stack_eta"]


@dataclass(frozen=True)
class Layer:
    """One layer.

    Attributes
    ----------
    resistivity, spin_flip_length : float
        rho* and l.
    thickness : float
        May be infinite for the first and the last layer.
    beta : float
        Bulk asymmetry of a ferromagnet; ignored for a normal layer.
    direction : (3,) or None
        Majority-spin direction; None for a normal layer.
    """

    resistivity: float
    spin_flip_length: float
    thickness: float
    beta: float = 0.0
    direction: tuple[float, float, float] | None = None

    def __post_init__(self) -> None:
        for key in ("resistivity", "spin_flip_length", "thickness"):
            if not getattr(self, key) > 0:
                raise ValueError(f"{key}: {getattr(self, key)!r} is not positive.")
        if not -1 < self.beta < 1:
            raise ValueError(f"beta: {self.beta!r} is outside (-1, 1).")
        if self.direction is not None:
            direction = unit_vector(self.direction, "direction")
            object.__setattr__(self, "direction", tuple(float(x) for x in direction))

    @property
    def magnetic(self) -> bool:
        """Whether the layer is a ferromagnet."""
        return self.direction is not None

    @property
    def resistance(self) -> float:
        """rho* l."""
        return self.resistivity * self.spin_flip_length


@dataclass(frozen=True)
class Interface:
    """r_b*, gamma and, next to a ferromagnet, the mixing conductance per area."""

    resistance: float = 0.0
    gamma: float = 0.0
    mixing: complex = 0.0


@dataclass(frozen=True)
class StackSolution:
    """Per unit current density.

    Attributes
    ----------
    resistance : float
        Drop of V_0 over the stack; of semi-infinite layers only what exceeds rho*(1 - beta^2) x.
    spin_current : (interfaces, 2, 3)
        j_s on the left and on the right of each interface, toward +x.
    accumulation : (interfaces, 2, 3)
        V_s (W m in a ferromagnet) on both sides.
    torque : (layers, 3)
        Transverse spin current that each layer absorbs; zero for normal layers.  Times
        hbar/2e and the current density: torque per area on the spins.
    amplitudes : tuple of (n,)
        Coefficients of each layer's solution, for `profile`.
    """

    resistance: float
    spin_current: NDArray
    accumulation: NDArray
    torque: NDArray
    amplitudes: tuple[NDArray, ...] = ()


class _Basis:
    """Value and spin current of one layer at its two ends, as rows acting on its unknowns.

    A scalar accumulation is a e^{-x/l} + b e^{(x - d)/l}; of a semi-infinite end layer only the
    part that decays away from the stack is kept.
    """

    def __init__(self, layer: Layer, first: bool, last: bool):
        self.layer, self.keep = layer, [0, 1]
        if np.isinf(layer.thickness):
            if not (first or last):
                raise ValueError("thickness: only the first and the last layer may be infinite.")
            self.keep = [1] if first else [0]
        self.components = np.array([layer.direction]) if layer.magnetic else np.eye(3)
        self.count = len(self.components) * len(self.keep)
        self.constant = layer.beta * self.components[0] if layer.magnetic else np.zeros(3)
        ends = (0.0, 0.0 if np.isinf(layer.thickness) else layer.thickness)
        self.value, self.current = zip(*(self.at(x) for x in ends), strict=True)

    def at(self, x: float) -> tuple[NDArray, NDArray]:
        """(3, count) rows of V_s and of j_s - beta j at x.

        x counts from the layer's left end, in a semi-infinite layer from its only end.
        """
        layer = self.layer
        last = 0.0 if np.isinf(layer.thickness) else layer.thickness
        parts = np.exp(np.array([-x, x - last]) / layer.spin_flip_length)
        slopes = parts * np.array([-1, 1]) / layer.spin_flip_length
        unit = np.eye(len(self.components))
        value, slope = (
            self.components.T @ np.kron(unit, row[self.keep]) for row in (parts, slopes)
        )
        return value, -slope / layer.resistivity


def _interface_rows(
    left: Layer, right: Layer, interface: Interface, lb: _Basis, rb: _Basis
) -> tuple[NDArray, NDArray, NDArray]:
    """Rows on the left's and the right's unknowns, and the right-hand side (j = 1)."""
    if left.magnetic and right.magnetic:
        raise ValueError(
            "layers: two ferromagnets touch. Put a thin normal layer between them: the transverse "
            "spin has nowhere to be otherwise."
        )
    value_l, value_r = lb.value[1], rb.value[0]
    flow_l, flow_r = lb.current[1], rb.current[0]
    r = interface.resistance
    if not left.magnetic and not right.magnetic:
        rows_l = np.concatenate([flow_l, value_l - r * flow_l])
        rows_r = np.concatenate([-flow_r, -value_r])
        return rows_l, rows_r, np.zeros(6)
    m = np.array(left.direction if left.magnetic else right.direction)
    constant_l, constant_r = lb.constant, rb.constant
    along = [
        (m @ flow_l, -m @ flow_r, m @ (constant_r - constant_l)),
        # V_s(left) - V_s(right) = r (j_s - gamma j)
        (
            m @ (value_l - r * flow_l),
            -m @ value_r,
            r * (m @ constant_l - interface.gamma),
        ),
    ]
    # Transverse: the spin current into the magnet, seen from the normal side.
    normal_flow, normal_value, sign = (
        (flow_r, value_r, -1) if left.magnetic else (flow_l, value_l, 1)
    )
    real, imaginary = 2 * np.real(interface.mixing), 2 * np.imag(interface.mixing)
    cross = np.array([[0, -m[2], m[1]], [m[2], 0, -m[0]], [-m[1], m[0], 0]])
    basis = np.linalg.svd(m[None])[2][1:]
    rows = basis @ (sign * normal_flow - real * normal_value + imaginary * cross @ normal_value)
    rows_l = np.array([a[0] for a in along])
    rows_r = np.array([a[1] for a in along])
    rhs = np.array([a[2] for a in along])
    empty_l, empty_r = np.zeros((2, lb.count)), np.zeros((2, rb.count))
    if left.magnetic:
        empty_r = rows
    else:
        empty_l = rows
    return (
        np.concatenate([rows_l, empty_l]),
        np.concatenate([rows_r, empty_r]),
        np.concatenate([rhs, np.zeros(2)]),
    )


def solve_stack(layers: Sequence[Layer], interfaces: Sequence[Interface]) -> StackSolution:
    """Spin accumulation, spin currents, torques and resistance of a stack at j = 1.

    Finite outer layers end in reservoirs without spin accumulation.

    Raises
    ------
    ValueError
        Wrong number of interfaces, touching ferromagnets, an infinite inner layer.
    """
    if len(interfaces) != len(layers) - 1 or len(layers) < 2:
        raise ValueError(
            f"interfaces: {len(interfaces)} for {len(layers)} layers. Give one fewer than layers."
        )
    last = len(layers) - 1
    bases = [_Basis(layer, k == 0, k == last) for k, layer in enumerate(layers)]
    offsets = np.cumsum([0] + [b.count for b in bases])
    rows, rhs = [], []

    def add(parts, values):
        block = np.zeros((len(values), offsets[-1]))
        for k, part in parts:
            block[:, offsets[k] : offsets[k + 1]] = part
        rows.append(block)
        rhs.append(values)

    for k, end in ((0, 0), (last, 1)):
        if not np.isinf(layers[k].thickness):
            b = bases[k]
            add([(k, b.components @ b.value[end])], np.zeros(len(b.components)))
    for k, interface in enumerate(interfaces):
        left, right, values = _interface_rows(
            layers[k], layers[k + 1], interface, bases[k], bases[k + 1]
        )
        add([(k, left), (k + 1, right)], values)
    unknowns = np.linalg.solve(np.concatenate(rows), np.concatenate(rhs))
    return _evaluate(layers, interfaces, bases, offsets, unknowns)


def _evaluate(layers, interfaces, bases, offsets, unknowns) -> StackSolution:
    flows, values = [], []
    for b, first, last in zip(bases, offsets[:-1], offsets[1:], strict=True):
        x = unknowns[first:last]
        flows.append([b.current[end] @ x + b.constant for end in (0, 1)])
        values.append([b.value[end] @ x for end in (0, 1)])
    count = len(interfaces)
    spin_current = np.array([[flows[k][1], flows[k + 1][0]] for k in range(count)])
    accumulation = np.array([[values[k][1], values[k + 1][0]] for k in range(count)])
    torque = np.zeros((len(layers), 3))
    for k in range(count):
        jump = spin_current[k, 0] - spin_current[k, 1]  # lost at the interface
        torque[k if layers[k].magnetic else k + 1] += jump
    resistance = 0.0
    for layer, value in zip(layers, values, strict=True):
        bulk = layer.resistivity * (1 - (layer.beta**2 if layer.magnetic else 0.0))
        resistance += 0.0 if np.isinf(layer.thickness) else bulk * layer.thickness
        if layer.magnetic:
            m = np.array(layer.direction)
            ends = [0.0 if np.isinf(layer.thickness) else m @ value[0], m @ value[1]]
            if np.isinf(layer.thickness):
                ends = [0.0, m @ value[1]] if layer is layers[0] else [m @ value[0], 0.0]
            resistance += layer.beta * (ends[1] - ends[0])
    for k, interface in enumerate(interfaces):
        if layers[k].magnetic or layers[k + 1].magnetic:
            m = np.array(layers[k].direction or layers[k + 1].direction)
            resistance += interface.resistance * (1 - interface.gamma * (m @ spin_current[k, 0]))
        else:
            resistance += interface.resistance
    amplitudes = tuple(unknowns[a:b] for a, b in zip(offsets[:-1], offsets[1:], strict=True))
    return StackSolution(float(resistance), spin_current, accumulation, torque, amplitudes)


def profile(
    solution: StackSolution, layers: Sequence[Layer], samples: int = 41
) -> tuple[NDArray, NDArray, NDArray]:
    """Spin accumulation and spin current through the stack.

    Parameters
    ----------
    samples : int
        Points per layer; its two ends are included, so that interfaces appear twice.

    Returns
    -------
    x : (layers * samples,)
        From the first interface if the first layer is semi-infinite, from the left end else;
        semi-infinite layers are shown over five spin-flip lengths or twice the thickness of all
        finite layers, whichever is less.
    accumulation, spin_current : (layers * samples, 3)
        V_s (W m in a ferromagnet) and j_s per unit current density.
    """
    x, values, flows, origin, last = [], [], [], 0.0, len(layers) - 1
    finite = sum(layer.thickness for layer in layers if np.isfinite(layer.thickness)) or np.inf
    for k, (layer, amplitude) in enumerate(zip(layers, solution.amplitudes, strict=True)):
        basis = _Basis(layer, k == 0, k == last)
        shown = min(5 * layer.spin_flip_length, 2 * finite)
        reach = shown if np.isinf(layer.thickness) else layer.thickness
        first = -reach if np.isinf(layer.thickness) and k == 0 else 0.0
        for place in np.linspace(first, first + reach, samples):
            value, flow = basis.at(place)
            x.append(origin + place)
            values.append(value @ amplitude)
            flows.append(flow @ amplitude + basis.constant)
        origin += first + reach
    return np.array(x), np.array(values), np.array(flows)


def stack_eta(
    solution: StackSolution, layers: Sequence[Layer], free: int, fixed: int
) -> tuple[float, float]:
    """eta and eta_perp of layer `free` driven by layer `fixed`: torque per current, sin(theta).

    Both in the spin frame: toward p, and along m x p.

    Raises
    ------
    ValueError
        If the two are collinear: then both are undefined.
    """
    m, p = (np.array(layers[k].direction) for k in (free, fixed))
    normal = np.cross(m, p)
    sine = np.linalg.norm(normal)
    if sine < 1e-9:
        raise ValueError("free, fixed: collinear layers feel no torque; turn one of them.")
    torque = solution.torque[free]
    return (
        float(torque @ np.cross(normal, m) / sine**2),
        float(torque @ normal / sine**2),
    )
