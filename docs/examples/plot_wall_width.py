r"""
Domain wall in a wire: how wide is adiabatic?
=============================================

Electrons that follow a wide wall turn by 180 degrees on their way and give the wall twice their spin:
the total torque per volt tends to :math:`2\,(N_\uparrow - N_\downarrow)`, twice the difference of the
numbers of channels, and the wall has no resistance. In a narrow wall the electrons mistrack. Of the
torque on every site, the part along the gradient of the moment is the adiabatic one and the part
across it the non-adiabatic one.
"""

import numpy as np

from negf_torque.lattice import Layer, Lead, build_stack, layer_chain
from negf_torque.spin import domain_wall
from negf_torque.study import style
from negf_torque.transport.wire import wire_response

# %%
# Walls in a wire of 3 x 3 sites whose leads continue the domains.
energy, splitting = -2.2, 1.5
widths = np.array([0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0])


def walled(width):
    """A Bloch wall in the middle of a wire 16 times as long."""
    length = 2 * int(8 * width + 4)
    texture = domain_wall((length - 1) / 2, width, "bloch")
    wall = Layer(length, exchange=splitting, texture=texture, name="w")
    ends = [Lead(exchange=splitting, direction=(0, 0, s)) for s in (1, -1)]
    chain = layer_chain(build_stack([wall], *ends, cross_section=(3, 3)))
    return wire_response(chain, energy, complete=False)


found = [walled(width) for width in widths]
symmetric = found[0].parts.index("symmetric")
limit = found[0].adiabatic_limit[2]
deviation = np.array([1 - wire.adiabaticity[symmetric] for wire in found])
resistance = np.array([wire.wall_resistance for wire in found])
print(f"spin channels: {limit / 2:.0f} more of the majority")

# %%
# Mistracking falls exponentially with the width, until rounding is all that is left of the resistance.
# Below, the torque on every layer, over twice the spin current that enters: all of it turns the
# wall forward, and less and less of it is out of the wall's plane.
with style.style():
    approach_and_profile, axes = style.figure(3, 1, height=8.2)
    looks = style.lines()
    axes[0].semilogy(widths, np.abs(deviation), label="torque: |1 - T/limit|", **next(looks))
    axes[0].semilogy(widths, resistance, label=r"resistance ($h/e^2$)", **next(looks))
    axes[0].set(xlabel="Width of the wall (sites)", ylabel="Off the adiabatic limit")
    style.legend(axes[0], inside=True)
    looks = style.lines(markers=False)
    for width, wire in ((widths[k], found[k]) for k in (2, 4, 6)):
        site, layer = wire.chain.sites, wire.chain.sites.layer
        torque = np.zeros((layer.max() + 1, 3))
        np.add.at(torque, layer, wire.site_torkance[symmetric])
        x = np.arange(len(torque)) - (len(torque) - 1) / 2
        near, look = np.abs(x) < 12, next(looks)
        for axis, component in zip(axes[1:], (2, 0), strict=True):
            axis.plot(x[near], torque[near, component] / limit, label=f"width {width:g}", **look)
    for axis, name in zip(axes[1:], ("Torque along z", "Torque out of the plane"), strict=True):
        axis.set(xlabel="Distance from the middle (sites)", ylabel=f"{name} / limit")
        style.legend(axis, inside=True)
