r"""
Impurities: averaged media against explicit configurations
==========================================================

The average over all positions of impurities can be taken before the transport is computed: a
self-energy stands for the mean medium, and the vertex corrections that belong to it keep charge and
spin. Born's approximation takes the impurity potential to second order, the coherent potential takes
all scattering at one site. Explicit configurations, devices with impurities drawn site by site, need
no such approximation; they have a statistical error instead, and a supercell that repeats.
"""

import warnings

import numpy as np

from negf_torque.disorder.impurities import NonmagneticImpurities
from negf_torque.lattice import Layer, build_stack, layer_chain
from negf_torque.notices import PhysicsWarning
from negf_torque.study import style
from negf_torque.transport.disordered import disordered_response
from negf_torque.transport.ensembles import configuration_response

# %%
# A valve on a cubic lattice. Every second site of the fixed magnet and of the layer behind it is
# another atom, whose level lies higher by the impurity potential: an alloy.
metal = {"onsite": 0.75, "exchange": 1.5}
layers = [Layer(2, name="fixed", **metal), Layer(2)]
layers += [Layer(2, name="free", direction=(1, 0, 0), **metal)]
chain = layer_chain(build_stack(layers))
warnings.simplefilter("ignore", PhysicsWarning)  # Born's says where it is not to be trusted
energy, count, free = -2.2, 400, chain.magnets.index("free")
potentials = np.array([0.5, 1.0, 1.5, 2.0, 2.5, 3.0])


def alloy(potential):
    """The impurities of the layers 1 to 3; layer 0 belongs to the left lead."""
    return [NonmagneticImpurities(0.5, potential, layers=(1, 2, 3))]


def averaged(potential, method):
    """Conductance and torque toward the fixed magnet's spin, in the mean medium."""
    found = disordered_response(chain, energy, alloy(potential), method, mesh=80)
    return found.conductance, found.magnet_torkance_by_bias[2, free, 2]


media = {
    "Born": np.array([averaged(u, "born") for u in potentials]),
    "coherent potential": np.array([averaged(u, "coherent-potential") for u in potentials]),
}

# %%
# The configurations: supercells of 3 x 3 sites, with the standard error of the mean. For weak impurities
# all agree. For strong ones the coherent potential stays closer than Born's approximation, and what it
# leaves out, the scattering between neighbouring impurities, shows beyond the statistical error.
samples = []
for u in potentials:
    found = configuration_response(chain, energy, alloy(u), count, seed=1, cells=3, mesh=2)
    samples.append([found.conductances, found.magnet_torkances[2, :, free, 2]])
samples = np.array(samples)
mean, error = samples.mean(axis=2), samples.std(axis=2, ddof=1) / np.sqrt(count)
for label, values in media.items():
    off = np.abs(values / mean - 1).max(axis=0)
    print(f"{label}: conductance off by {off[0]:.1%} at most, torque by {off[1]:.1%}")
with style.style():
    media_and_configurations, axes = style.figure(2, 1, height=6.0, sharex=True)
    label = f"{count} configurations, 2 std. errors"
    for axis, y, dy in zip(axes, mean.T, 2 * error.T, strict=True):
        axis.errorbar(potentials, y, dy, fmt="o", color="0.2", capsize=3, label=label)
    for index, axis in enumerate(axes):
        looks = style.lines(markers=False)
        for label, values in media.items():
            axis.plot(potentials, values[:, index], label=label, **next(looks))
    axes[0].set(ylabel="Conductance ($e^2/h$ per cell)")
    axes[1].set(xlabel="Impurity potential (eV)", ylabel=r"In-plane torque ($e/4\pi$ per cell)")
    style.legend(axes[0], inside=True)
