"""One electron and N quantum local spins, exactly.

model.py          the Hamiltonian's parameters
basis.py          spin configurations, sector by sector of total S_z
hamiltonian.py    the Hamiltonian between them, matrix-free in the electron's site
states.py         wave packet, coherent states, superpositions
propagate.py      Chebyshev series with an error bound; Crank-Nicolson
observables.py    spins, purities, densities, currents, torques
entanglement.py   reduced density matrices, purity, entropy
evolution.py      a run
spectrum.py       lowest levels with degeneracies
ehrenfest.py      the same run with classical local spins
size.py           memory, known beforehand
kernels*.py       compiled loops
"""

from negf_torque.manybody.basis import SpinBasis, configuration_label, sector_sizes
from negf_torque.manybody.ehrenfest import ClassicalEvolution, classical_directions, ehrenfest
from negf_torque.manybody.entanglement import (
    bipartite_spectrum,
    electron_density_matrix,
    entropy,
    local_spins_density_matrix,
    orbital_purity,
    purity,
)
from negf_torque.manybody.evolution import Evolution, Packet, evolve
from negf_torque.manybody.hamiltonian import Hamiltonian, hamiltonian, spin_hamiltonian
from negf_torque.manybody.model import QuantumChain, macrospin, quantum_chain, twice_spin
from negf_torque.manybody.observables import REGIONS, Observer, Sample
from negf_torque.manybody.propagate import ChebyshevPropagator, CrankNicolsonPropagator
from negf_torque.manybody.size import RunSize, TooLargeError, check_size, readable, run_size
from negf_torque.manybody.spectrum import Levels, composite_levels, degeneracies, spin_levels
from negf_torque.manybody.states import (
    LocalState,
    PacketFacts,
    initial_state,
    occupied_sectors,
    packet_facts,
    product_state,
    superposition,
    wave_packet,
)

__all__ = [
    "REGIONS",
    "ChebyshevPropagator",
    "ClassicalEvolution",
    "CrankNicolsonPropagator",
    "Evolution",
    "Hamiltonian",
    "Levels",
    "LocalState",
    "Observer",
    "Packet",
    "PacketFacts",
    "QuantumChain",
    "RunSize",
    "Sample",
    "SpinBasis",
    "TooLargeError",
    "bipartite_spectrum",
    "check_size",
    "classical_directions",
    "composite_levels",
    "configuration_label",
    "degeneracies",
    "ehrenfest",
    "electron_density_matrix",
    "entropy",
    "evolve",
    "hamiltonian",
    "initial_state",
    "local_spins_density_matrix",
    "macrospin",
    "occupied_sectors",
    "orbital_purity",
    "packet_facts",
    "product_state",
    "purity",
    "quantum_chain",
    "readable",
    "run_size",
    "sector_sizes",
    "spin_hamiltonian",
    "spin_levels",
    "superposition",
    "twice_spin",
    "wave_packet",
]
