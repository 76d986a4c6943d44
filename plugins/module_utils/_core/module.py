# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The boundary between a module and Ansible: check mode, results, warnings and errors."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from typing import Any, Callable, TypeVar

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import (
    BadParameter,
    NetfleetError,
    describe_error,
)
from ansible_collections.netfleet.docker.plugins.module_utils._core.suggestions import explain_argument_error
from ansible_collections.netfleet.docker.plugins.module_utils._core.text import make_printable, to_one_line

S = TypeVar("S")


# The verbosity from which on Ansible displays the parameters of a module.
_VERBOSITY_OF_PARAMETERS = 3


class Module(AnsibleModule):  # type: ignore[misc]
    """A module whose errors suggest the names of misspelled parameters and values."""

    def fail_json(self, msg: str, **result: Any) -> None:
        """Exit with an error message."""
        super().fail_json(msg=explain_argument_error(msg), **result)


def get_lock_timeout(module: AnsibleModule) -> float | None:
    """Return how many seconds to wait for the lock; None in check mode."""
    return None if module.check_mode else float(module.params["lock_timeout"])


def simulate_operations(before: S, operations: Sequence[Any]) -> S:
    """Return the simulated state after the operations."""
    after = before
    for op in operations:
        after = op.simulate(after)
    return after


def apply_unless_check_mode(
    check_mode: bool,
    operations: Sequence[Any],
    before: S,
    change: Callable[[], S],
    simulate: Callable[[S, Sequence[Any]], S] = simulate_operations,
) -> S:
    """Apply the change and return the state after it; in check mode, return the simulated state."""
    return simulate(before, operations) if check_mode else change()


def exit_with_result(
    module: AnsibleModule, work: Callable[[], dict[str, Any]], large: bool = False, is_printable: bool = False
) -> None:
    """Do the work and exit with its result, or fail with the message of its error.

    A result with ``failed`` and ``msg`` is a failure. ``large`` parameters are returned only at the
    verbosity at which Ansible displays them.
    With ``is_printable``, the strings of the result are valid Unicode already.
    """
    try:
        result = work()
    except BadParameter as error:
        module.fail_json(msg=to_one_line(str(error)), parameter=to_one_line(error.parameter))
    except NetfleetError as error:
        kept = {key: value for key, value in error.result.items() if key != "warnings"}
        module.fail_json(msg=to_one_line(str(error)), **make_printable(kept))
    except Exception as error:  # noqa: BLE001
        # The display shows the traceback only at a high verbosity.
        module.fail_json(msg=to_one_line(describe_error(error)), exception=traceback.format_exc())
    for warning in result.pop("warnings", ()):
        module.warn(to_one_line(warning))
    more: dict[str, Any] = {"invocation": {}} if large and module._verbosity < _VERBOSITY_OF_PARAMETERS else {}
    result = result if is_printable else make_printable(result)
    (module.fail_json if result.pop("failed", False) else module.exit_json)(**result, **more)
