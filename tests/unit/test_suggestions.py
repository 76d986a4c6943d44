# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Suggestions for misspelled parameters and values, in the messages of the installed ansible-core."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator, ModuleArgumentSpecValidator
from ansible_collections.netfleet.docker.plugins.module_utils._core.suggestions import explain_argument_error

SPEC: dict[str, Any] = {
    "links": {
        "type": "list",
        "elements": "dict",
        "options": {"kind": {"type": "str", "choices": ["bridge", "vxlan"]}, "mtu": {"type": "int"}},
    },
    "connected": {"type": "list", "elements": "str", "aliases": ["containers"]},
    "formats": {"type": "list", "elements": "str", "choices": ["html", "json", "csv"]},
    "state": {"type": "str", "choices": ["present", "absent"]},
}


@pytest.mark.parametrize(
    ("given", "suggestion"),
    [
        ({"state": "pressent"}, "; did you mean present?"),
        ({"state": "nothing"}, ""),
        ({"links": [{"kind": "vxaln"}]}, "got: vxaln found in links; did you mean vxlan?"),
        ({"formats": ["htm", "json"]}, "; did you mean html?"),
        ({"formats": ["htm", "jsno"]}, "; did you mean html and json?"),
        ({"stat": "absent"}, "stat: no such parameter; did you mean state?"),
        ({"containrs": []}, "containrs: no such parameter; did you mean containers?"),
        ({"links": [{"knd": "vxlan"}]}, "links.knd: no such parameter; did you mean kind?"),
        ({"zzz": 1}, "zzz: no such parameter; the parameters are connected, formats, links, state (containers)"),
        ({"links": [{"mtu": "big"}]}, ""),
    ],
)
@pytest.mark.parametrize("validator", [ArgumentSpecValidator, ModuleArgumentSpecValidator])
def test_misspelled_words_are_suggested(validator: Any, given: dict[str, Any], suggestion: str) -> None:
    (message,) = validator(SPEC).validate(given).error_messages
    found = explain_argument_error(message)
    assert found.endswith(suggestion)
    assert suggestion or found == message


def test_names_in_the_message_of_a_module() -> None:
    message = "Unsupported parameters for (netfleet.docker.veth) module: mtuu. Supported parameters include: mtu, name."
    assert explain_argument_error(message) == "mtuu: no such parameter; did you mean mtu?"


def test_other_messages_are_not_changed() -> None:
    for message in ("missing required arguments: name", "The changes of this run were rolled back."):
        assert explain_argument_error(message) == message
