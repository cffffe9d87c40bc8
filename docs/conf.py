"""Configuration of the documentation (Sphinx with MyST)."""

import importlib.util
import re
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from generate_reference import write_all  # noqa: E402
from make_performance import write as write_performance  # noqa: E402
from make_validation import write as write_validation  # noqa: E402
from sphinx.domains.python import PyObject  # noqa: E402

from negf_torque import __version__  # noqa: E402

project = "negf_torque"
author = "The negf_torque developers"
project_copyright = "The negf_torque developers"
release = version = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx.ext.mathjax",
    "sphinx_gallery.gen_gallery",
]
myst_enable_extensions = ["dollarmath", "amsmath", "deflist", "colon_fence"]
myst_heading_anchors = 3
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True
autodoc_member_order = "bysource"
autodoc_typehints = "none"
autodoc_mock_imports: list[str] = []
exclude_patterns = ["_build", "images", "examples", "gallery/*.ipynb"]
sphinx_gallery_conf = {
    "examples_dirs": "examples",
    "gallery_dirs": "gallery",
    "image_scrapers": ("gallery_scraper.named_figures",),
    "within_subsection_order": "gallery_scraper.place",
    "reset_modules": (),
    "download_all_examples": False,
    "show_memory": False,
    "min_reported_time": 1e9,
    "abort_on_example_error": True,
}
html_theme = "furo"
html_title = f"negf_torque {release}"
html_static_path = ["static"]
html_css_files = ["wide.css"]

# MathJax sets the formulas: the copy that `make docs` installs, so that the pages can be read
# without a network, or the one that Sphinx names.
FORMULAS = importlib.util.find_spec("jupyter_server_mathjax")
if FORMULAS:
    mathjax_path = "mathjax/MathJax.js"
    mathjax2_config = {
        "config": ["TeX-AMS-MML_HTMLorMML-full.js"],
        "tex2jax": {"processClass": "math|mathjax_process"},
        "HTML-CSS": {  # the fonts that it brings along
            "webFont": "STIX-Web",
            "availableFonts": [],
            "preferredFont": None,
            "imageFont": None,
        },
        "messageStyle": "none",
    }
    myst_update_mathjax = False

# The reference of cards and results comes from the models and lists that the program uses.
write_all(Path(__file__).parent / "reference" / "generated")
write_validation()
write_performance()


# What stands for a type in these docstrings is a shape: words, not names of classes.
for field in PyObject.doc_field_types:
    field.typerolename = ""


def plain_docstrings(app, what, name, obj, options, lines):
    """Docstrings are written to be read in the source: bars, stars and underscores are meant.

    Attributes that share a line, "a, b : float", keep their names together.
    """
    section = ""
    for index, line in enumerate(lines):
        if line.startswith("---") and index:
            section = lines[index - 1].strip()
        elif section == "Attributes" and re.match(r"\w+(, \w+)+( :|$)", line):
            names, colon, shape = line.partition(" :")
            lines[index] = names.replace(", ", ",") + colon + shape
    for index, line in enumerate(lines):
        if line.lstrip().startswith((">>>", "...")):
            continue
        parts = line.split("`")
        parts[::2] = [re.sub(r"([|*]|(?<=\w)_(?=\W|$))", r"\\\1", part) for part in parts[::2]]
        lines[index] = "`".join(parts)


def copy_formulas(app, exception):
    """MathJax beside the pages."""
    if FORMULAS and app.builder.format == "html" and exception is None:
        origin = Path(FORMULAS.origin).parent / "static"
        shutil.copytree(origin, Path(app.outdir) / "_static" / "mathjax", dirs_exist_ok=True)


def setup(app):
    app.connect("build-finished", copy_formulas)
    app.connect("autodoc-process-docstring", plain_docstrings, priority=400)
