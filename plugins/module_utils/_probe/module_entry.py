# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module's side: parameters in, and the one place that turns errors and what is not met into a message."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter, NetfleetError
from ansible_collections.netfleet.docker.plugins.module_utils._core.text import make_printable, to_one_line
from ansible_collections.netfleet.docker.plugins.module_utils._probe import runner
from ansible_collections.netfleet.docker.plugins.module_utils._probe.options import SUBOPTIONS

__all__ = ["SUBOPTIONS", "run"]


def run(module: AnsibleModule) -> None:
    """Make the checks and exit with their results."""
    try:
        found = runner.run(module.params)
    except BadParameter as error:
        module.fail_json(msg=to_one_line(str(error)), parameter=to_one_line(error.parameter))
    except NetfleetError as error:
        module.fail_json(msg=to_one_line(str(error)))
    found = make_printable(found)
    for one in found["results"]:
        one["reason"] = to_one_line(one["reason"])
    found["summary"] = to_one_line(found["summary"])
    if module.params["fail"] and not found["met"]:
        module.fail_json(msg=found["summary"], **found)
    module.exit_json(**found)
