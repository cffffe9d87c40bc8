"""What the result of a quantum chain holds: name, dimensions, unit and sign of every variable."""

from negf_torque.study.labels import Variable

__all__ = ["VARIABLES"]

SPIN = "hbar/2"
RUN = ("injection", "time")
EACH = (*RUN, "spin", "component")
ALONE = "<2S_z> summed over the local spins; not-a-number where it is not conserved."
WHOLE = "<sigma_z> of the electron plus <2S_z> of all local spins"
KEPT = f"{WHOLE}; not-a-number where it is not conserved."
ONE = "<2S_z> of each local spin."

VARIABLES: dict[str, Variable] = {
    "injection": Variable(("injection",), "", "Electron's initial spin direction"),
    "time": Variable(("time",), "fs", "Time"),
    "spin": Variable(("spin",), "", "Local spin", "Numbered from 0 as in the card."),
    "spin_site": Variable(("spin",), "", "Site of each local spin"),
    "site": Variable(("site",), "", "Site", "0-based; hard walls beyond both ends."),
    "bond": Variable(("bond",), "", "Bond", "Bond x leads from site x to x + 1."),
    "electron_spin": Variable(
        (*RUN, "component"), SPIN, "Electron spin", "<sigma>, summed over the sites."
    ),
    "local_spin": Variable(
        EACH, SPIN, "Local spins", "<2S> from each spin's own density matrix: 2S at most."
    ),
    "electron_spin_purity": Variable(
        RUN, "1", "Purity of the electron's spin", "Tr rho^2 of the spin alone; 1/2 ... 1."
    ),
    "local_spin_purity": Variable(
        (*RUN, "spin"), "1", "Purity of each local spin", "Tr rho^2; 1/(2S + 1) ... 1."
    ),
    "purity": Variable(
        RUN,
        "1",
        "Purity",
        "Tr rho^2 of all local spins, equal to that of the electron (orbit and spin).",
    ),
    "entropy": Variable(
        RUN, "nat", "Entanglement entropy", "-Tr rho ln rho of the electron or of all local spins."
    ),
    "probability": Variable(
        (*RUN, "configuration"),
        "1",
        "Probability of a spin configuration",
        "Electron first, then the local spins by number; the most populated ones.",
    ),
    "probability_other": Variable(RUN, "1", "Probability of all configurations not listed"),
    "density": Variable(
        (*RUN, "flow", "site"),
        "1",
        "Electron density and spin on each site",
        "number: electrons; x, y, z: <sigma> in hbar/2.",
    ),
    "current": Variable(
        (*RUN, "flow", "bond"),
        "1/fs",
        "Current through each bond",
        "number: electrons; x, y, z: spin in hbar/2 per fs; positive toward larger sites.",
    ),
    "torque": Variable(
        EACH,
        "hbar/2 per fs",
        "Torque of the electron on each local spin",
        "(2 J_sd/hbar) <X x sigma> at its site, X = 2S: what J_sd adds to d<2S>/dt.",
    ),
    "mean_field_torque": Variable(
        EACH,
        "hbar/2 per fs",
        "Mean-field torque on each local spin",
        "(2 J_sd/hbar) <X> x <sigma> at its site: the torque of classical vectors.",
    ),
    "region_probability": Variable(
        (*RUN, "region", "electron"),
        "1",
        "Where the electron is, with its spin",
        "left of the first local spin, from the first to the last, right of the last; at late "
        "times left is reflection and right is transmission.",
    ),
    "wall_weight": Variable(
        (*RUN, "wall"),
        "1",
        "Probability that has reached a wall",
        "Accumulated incident flux; what reached a wall has been reflected there.",
    ),
    "energy": Variable(RUN, "eV", "Total energy"),
    "norm": Variable(RUN, "1", "Norm"),
    "total_sz": Variable(RUN, SPIN, "Total S_z", f"{WHOLE}."),
    "classical_electron_spin": Variable(
        (*RUN, "component"), SPIN, "Electron spin with classical local spins", "Ehrenfest; <sigma>."
    ),
    "classical_local_spin": Variable(
        EACH,
        SPIN,
        "Classical local spins",
        "Vectors of fixed length, 2S at most, driven by the electron.",
    ),
    "classical_energy": Variable(RUN, "eV", "Total energy with classical local spins"),
    "chain_level": Variable(("chain_state",), "eV", "Levels of the local spins alone"),
    "chain_level_sz": Variable(
        ("chain_state",), SPIN, "Total S_z of the local spins' levels", ALONE
    ),
    "chain_local_sz": Variable(
        ("chain_state", "spin"), SPIN, "Local S_z in the local spins' levels", ONE
    ),
    "composite_level": Variable(("state",), "eV", "Levels of electron and local spins"),
    "composite_level_sz": Variable(("state",), SPIN, "Total S_z of the composite's levels", KEPT),
    "composite_electron_sz": Variable(
        ("state",), SPIN, "Electron S_z in the composite's levels", "<sigma_z>."
    ),
    "composite_local_sz": Variable(
        ("state", "spin"), SPIN, "Local S_z in the composite's levels", ONE
    ),
    "orbital_purity": Variable(
        ("injection",),
        "1",
        "Purity of the electron's motion at the last time",
        "1 would mean a product of an orbital and a spin state.",
    ),
    "packet_energy": Variable((), "eV", "Mean energy of the packet", "Hopping and potential."),
    "packet_energy_spread": Variable((), "eV", "Standard deviation of the packet's energy"),
    "packet_velocity": Variable((), "sites/fs", "Mean velocity of the packet"),
    "packet_clipped": Variable((), "1", "Share of the Gaussian beyond the chain's ends"),
    "spin_configurations": Variable(
        ("injection",), "1", "Spin configurations in the basis", "Of the sectors visited."
    ),
    "states": Variable(("injection",), "1", "States in the basis"),
    "memory": Variable(("injection",), "GB", "Memory needed, as estimated before the run"),
    "macrospin_electron_spin": Variable(
        (*RUN, "component"), SPIN, "Electron spin, against one macrospin", "<sigma>."
    ),
    "macrospin_spin": Variable(
        (*RUN, "component"), SPIN, "Macrospin", "<2S> of one spin of the chain's total size."
    ),
    "macrospin_purity": Variable(RUN, "1", "Purity, against one macrospin"),
    "macrospin_entropy": Variable(RUN, "nat", "Entanglement entropy, against one macrospin"),
    "macrospin_probability": Variable(
        (*RUN, "macrospin_configuration"),
        "1",
        "Probability of a configuration of electron and macrospin",
        "Electron; S_z of the macrospin.",
    ),
}
