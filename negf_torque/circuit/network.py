"""Magnetoelectronic circuit theory of any network of nodes and contacts.

Kirchhoff's rules for charge and spin: into every normal node the currents of its contacts add up
to zero charge and to what the node's spin-flip conductance loses.  See
`negf_torque.circuit.contact` for signs and units.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from negf_torque.circuit.contact import Contact

__all__ = ["Network", "Solution", "solve", "two_contact_valve"]


@dataclass
class Network:
    """Nodes by name, and what connects them.

    Terminals have given potentials; a ferromagnetic terminal has no spin accumulation.  Normal
    nodes have a free potential and spin accumulation, ferromagnetic nodes a free potential and
    a free accumulation along their moment.
    """

    terminals: dict[str, float] = field(default_factory=dict)
    normal_nodes: dict[str, float] = field(default_factory=dict)
    magnetic_nodes: dict[str, float] = field(default_factory=dict)
    magnetic_contacts: list[tuple[str, str, Contact]] = field(default_factory=list)
    normal_contacts: list[tuple[str, str, float]] = field(default_factory=list)

    def _new(self, name: str) -> None:
        if name in self.terminals or name in self.normal_nodes or name in self.magnetic_nodes:
            raise ValueError(f"name: {name!r} exists already.")

    def terminal(self, name: str, potential: float) -> None:
        """A reservoir at `potential` volts."""
        self._new(name)
        self.terminals[name] = float(potential)

    def node(self, name: str, spin_flip: float = 0.0) -> None:
        """A normal node; `spin_flip` is the conductance of its spin loss, I = spin_flip V_s."""
        self._new(name)
        if spin_flip < 0:
            raise ValueError(f"spin_flip: {spin_flip!r} is negative.")
        self.normal_nodes[name] = float(spin_flip)

    def magnetic_node(self, name: str, spin_flip: float = 0.0) -> None:
        """A ferromagnetic node between two normal ones; `spin_flip` as for `node`."""
        self._new(name)
        if spin_flip < 0:
            raise ValueError(f"spin_flip: {spin_flip!r} is negative.")
        self.magnetic_nodes[name] = float(spin_flip)

    def join(self, node: str, magnet: str, junction: Contact) -> None:
        """A contact between a normal node and a ferromagnetic node or terminal."""
        if node not in self.normal_nodes:
            raise ValueError(f"node: {node!r} is not a normal node: {list(self.normal_nodes)}.")
        if magnet not in self.terminals and magnet not in self.magnetic_nodes:
            raise ValueError(f"magnet: {magnet!r} is neither a terminal nor a magnetic node.")
        self.magnetic_contacts.append((node, magnet, junction))

    def connect(self, first: str, second: str, conductance: float) -> None:
        """A spin-independent contact between normal nodes, or of one with a terminal.

        A normal terminal keeps no spin accumulation.
        """
        for name in (first, second):
            if name not in self.normal_nodes and name not in self.terminals:
                raise ValueError(f"connect: {name!r} is neither a normal node nor a terminal.")
        if first not in self.normal_nodes and second not in self.normal_nodes:
            raise ValueError(f"connect: {first!r} and {second!r} are both terminals.")
        if not conductance > 0:
            raise ValueError(f"conductance: {conductance!r} is not positive.")
        self.normal_contacts.append((first, second, float(conductance)))


@dataclass(frozen=True)
class Solution:
    """Potentials and currents of a network.

    Attributes
    ----------
    potential : dict
        Name -> V_0.
    spin : dict
        Normal node -> V_s (3,); magnetic node -> W m.
    charge_current : dict
        Terminal -> current that it sends into the network (e^2/h times volts).
    spin_current : list of (3,)
        Into the node, for every magnetic contact in the order of `join`.
    torque : list of (3,)
        Transverse spin current that the ferromagnet of that contact absorbs: its torque in
        e/(4 pi) when the potentials are per volt.
    """

    potential: dict[str, float]
    spin: dict[str, NDArray]
    charge_current: dict[str, float]
    spin_current: list[NDArray]
    torque: list[NDArray]


def _offsets(network: Network) -> tuple[dict[str, int], int]:
    offsets, total = {}, 0
    for name in network.normal_nodes:
        offsets[name], total = total, total + 4
    for name in network.magnetic_nodes:
        offsets[name], total = total, total + 2
    return offsets, total


def solve(network: Network) -> Solution:
    """Solve Kirchhoff's equations.

    Raises
    ------
    ValueError
        When there is no node, or a node has no connection to a terminal.
    """
    if not (network.normal_nodes or network.magnetic_nodes):
        raise ValueError(
            f"network: there is no node, and terminals {list(network.terminals)}. Give one node or "
            "more, joined to terminals."
        )
    offsets, size = _offsets(network)
    a, b = np.zeros((size, size)), np.zeros(size)
    for name, loss in network.normal_nodes.items():
        k = offsets[name]
        a[k + 1 : k + 4, k + 1 : k + 4] -= loss * np.eye(3)
    for name, loss in network.magnetic_nodes.items():
        a[offsets[name] + 1, offsets[name] + 1] -= loss
    for node, magnet, junction in network.magnetic_contacts:
        _add_magnetic(network, offsets, a, b, node, magnet, junction)
    for first, second, g in network.normal_contacts:
        for here, there in ((first, second), (second, first)):
            if here not in offsets:
                continue
            rows = slice(offsets[here], offsets[here] + 4)
            a[rows, rows] -= g * np.eye(4)
            if there in offsets:
                a[rows, offsets[there] : offsets[there] + 4] += g * np.eye(4)
            else:
                b[offsets[here]] -= g * network.terminals[there]
    if np.linalg.matrix_rank(a) < size:
        raise ValueError("network: some node has no connection to a terminal, or loses no spin.")
    return _collect(network, offsets, np.linalg.solve(a, b))


def _add_magnetic(network, offsets, a, b, node, magnet, junction) -> None:
    """Currents of one contact into its node and out of its ferromagnet."""
    source, response = junction.matrix()
    k = slice(offsets[node], offsets[node] + 4)
    a[k, k] += response
    if magnet in network.terminals:
        b[k] -= source[:, 0] * network.terminals[magnet]
        return
    f = slice(offsets[magnet], offsets[magnet] + 2)
    a[k, f] += source
    # Charge and longitudinal spin leave the ferromagnet; the transverse spin is its torque.
    project = np.zeros((2, 4))
    project[0, 0] = 1
    project[1, 1:] = junction.direction
    a[f, k] -= project @ response
    a[f, f] -= project @ source


def _collect(network: Network, offsets: dict[str, int], x: NDArray) -> Solution:
    potential = dict(network.terminals)
    spin: dict[str, NDArray] = {}
    for name in network.normal_nodes:
        k = offsets[name]
        potential[name], spin[name] = float(x[k]), x[k + 1 : k + 4]
    accumulation = {}
    for name in network.magnetic_nodes:
        k = offsets[name]
        potential[name], accumulation[name] = float(x[k]), float(x[k + 1])
    charge = dict.fromkeys(network.terminals, 0.0)
    currents, torques = [], []
    for node, magnet, junction in network.magnetic_contacts:
        source, response = junction.matrix()
        own = np.array([potential[magnet], accumulation.get(magnet, 0.0)])
        flow = source @ own + response @ np.append(potential[node], spin[node])
        if magnet in charge:
            charge[magnet] += float(flow[0])
        if magnet in accumulation:
            spin[magnet] = accumulation[magnet] * junction.direction
        m = junction.direction
        currents.append(flow[1:])
        torques.append(-(flow[1:] - m * (m @ flow[1:])))
    for first, second, g in network.normal_contacts:
        for here, there in ((first, second), (second, first)):
            if here in charge:
                charge[here] += g * (potential[here] - potential[there])
    return Solution(potential, spin, charge, currents, torques)


def two_contact_valve(
    left: Contact, right: Contact, angles: NDArray, spin_flip: float = 0.0
) -> tuple[NDArray, NDArray, NDArray]:
    """F|N|F with the left magnet at the angle theta from the right one, per volt.

    Parameters
    ----------
    left, right : Contact
        Their directions are replaced: the right (driven) magnet along z, the left one in x-z.
    angles : (n,)
        Angles in radians.
    spin_flip : float
        Of the node.

    Returns
    -------
    conductance : (n,)
        e^2/h.
    in_plane, out_of_plane : (n,)
        Torkance of the right magnet in e/(4 pi), toward the left one and along m x p (spin
        directions), for electrons driven from left to right: ready for
        `negf_torque.llg.valve_torque`.
    """
    angles = np.atleast_1d(np.asarray(angles, float))
    out = np.empty((3, len(angles)))
    m = np.array([0.0, 0.0, 1.0])
    for k, angle in enumerate(angles):
        p = np.array([np.sin(angle), 0.0, np.cos(angle)])
        network = Network()
        network.terminal("left", 1.0)
        network.terminal("right", 0.0)
        network.node("spacer", spin_flip)
        network.join("spacer", "left", left.turned(p))
        network.join("spacer", "right", right.turned(m))
        solution = solve(network)
        # m = z, p in x-z: toward p is +x, m x p is +y.
        out[:, k] = solution.charge_current["left"], *solution.torque[1][:2]
    return out[0], out[1], out[2]
