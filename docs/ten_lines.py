import numpy as np

from negf_torque.lattice import Layer, build_stack, layer_chain
from negf_torque.transport.sampling import Sampling
from negf_torque.transport.valve import spin_valve

metal = {"onsite": 0.75, "exchange": 1.5}  # eV
stack = [Layer(4, name="fixed", **metal), Layer(3), Layer(2, name="free", **metal)]
chain = layer_chain(build_stack(stack, cross_section="periodic"))
valve = spin_valve(chain, "fixed", "free", -2.2, [np.pi / 2], Sampling(mesh=16))
print(valve.conductance_parallel, valve.in_plane, valve.out_of_plane)
