"""The gallery's order, and its figures: every Matplotlib figure that a page's script names."""

from matplotlib.figure import Figure
from sphinx_gallery.scrapers import figure_rst

from negf_torque.study import style


def named_figures(block, block_vars, gallery_conf):
    """Save the figures that this block named, in the order of their names' appearance."""
    names = block_vars["example_globals"]
    paths = []
    for name, value in names.items():
        if isinstance(value, Figure) and not getattr(value, "_in_gallery", False):
            value._in_gallery = True
            path = next(block_vars["image_path_iterator"])
            with open(path, "wb") as file:
                file.write(style.image_bytes(value, "png", dpi=120))
            paths.append((path, name.replace("_", " ")))
    found = [path for path, _ in paths]
    return figure_rst(found, gallery_conf["src_dir"])


#: From the simplest device to bulk magnets and their dynamics; a page not named here comes last.
ORDER = (
    "gmr", "toy_model_filter", "toy_model_precession", "angular_torque", "mixing_torque",
    "tunnel_junction", "interlayer_coupling", "nonlocal_valve", "spin_pumping", "disorder",
    "wall_width", "gradient_coefficients", "beta_three_ways", "spin_orbit_torque", "spin_hall",
    "quantum_torque", "switching", "critical_current", "walls",
)  # fmt: skip


def place(filename):
    """Where a page stands in the gallery."""
    name = filename.removeprefix("plot_").removesuffix(".py")
    return (ORDER.index(name) if name in ORDER else len(ORDER), name)
