# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Replace the get-pip script that ansible-test downloads: run pip from the wheel next to this file.

ansible-test calls it with the packages for an empty environment, pip itself among them.
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

version = Path(__file__).stem.removeprefix("get_pip_").replace("_", ".")
sys.path.insert(0, str(Path(__file__).with_name(f"pip-{version}-py3-none-any.whl")))
options = [option for option in sys.argv[1:] if option not in ("--no-setuptools", "--no-wheel")]
sys.argv[1:] = ["install", *options]
runpy.run_module("pip", run_name="__main__", alter_sys=True)
