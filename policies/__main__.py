"""The rules as a policy pack: `pulumi preview --policy-pack policies`."""

import sys
from importlib import import_module
from pathlib import Path

# The engine runs a pack in the pack's own folder, from where the package is not to be found.
sys.path.insert(0, str(Path(__file__).parents[1]))
import_module("policies.pack").serve()
