"""What a result about the lengths of a disordered conductor holds."""

from negf_torque.study.labels import Variable

__all__ = ["VARIABLES"]

CONDUCTANCE = "e^2/h per cell"
LEFT = "Electrons that the left lead sends in, per volt."

VARIABLES: dict[str, Variable] = {
    "layer": Variable(("layer",), "layers", "Layer", "0 is one layer of the left lead."),
    "bond": Variable(("bond",), "layers", "Bond", "Between layers n - 1/2 and n + 1/2."),
    "length": Variable(("length",), "layers", "Thickness of the layer that is varied"),
    "conductance": Variable((), CONDUCTANCE, "Conductance of the device"),
    "current": Variable(("bond",), CONDUCTANCE, "Current of the left lead's electrons"),
    "unscattered_current": Variable(
        ("bond",), CONDUCTANCE, "Current that has not been scattered", LEFT
    ),
    "accumulation_along": Variable(
        ("layer",),
        "1/V",
        "Spin accumulation along the moments",
        f"{LEFT} Less the part that the local electrochemical potential alone would give.",
    ),
    "accumulation_across": Variable(
        ("layer",),
        "1/V",
        "Spin accumulation across the moments",
        f"{LEFT} Complex: s.e1 + i s.e2 in the right-handed frame e1, e2, m.",
    ),
    "mean_free_path": Variable(
        (), "layers", "Mean free path", "The unscattered current falls like exp(-x/l)."
    ),
    "spin_diffusion_length": Variable(
        (),
        "layers",
        "Spin-diffusion length",
        "a exp(-x/l) + b exp(x/l) of the accumulation along the moments; infinite where it stays.",
    ),
    "transverse_decay_length": Variable(
        (),
        "layers",
        "Transverse decay length",
        "exp(-x/l + i k x) of the accumulation across the moments.",
    ),
    "transverse_wave_number": Variable(
        (), "rad per layer", "Wave number of the transverse spin's precession"
    ),
    **{
        f"{name}_residual": Variable(
            (), "1", f"Largest deviation of the fit: {name.replace('_', ' ')}", "Of the largest."
        )
        for name in ("mean_free_path", "spin_diffusion_length", "transverse_decay_length")
    },
    "resistance": Variable(
        ("length",), "h/e^2 times a cell", "Resistance of devices of this length"
    ),
    "resistance_per_layer": Variable(
        (), "h/e^2 times a cell", "Growth of the resistance per layer", "Of the longer half."
    ),
    "contact_resistance": Variable(
        (), "h/e^2 times a cell", "Resistance extrapolated to no length", "Of the longer half."
    ),
    "crossover_length": Variable(
        (),
        "layers",
        "Length whose resistance is the contacts'",
        "Ballistic below, Ohmic above.",
    ),
    "conductivity": Variable(
        (), "e^2/hbar per lattice constant", "Conductivity from the resistance's growth"
    ),
    "bulk_conductivity": Variable(
        (),
        "e^2/hbar per lattice constant",
        "Conductivity of the bulk",
        "Kubo's formula with the self-energy of the layer in the middle; without vertex "
        "corrections of the current, which vanish in crystals with inversion symmetry.",
    ),
    "resistance_per_layer_residual": Variable(
        (), "1", "Largest relative deviation of the line from the resistances it goes through"
    ),
}
