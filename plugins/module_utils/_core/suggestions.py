# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Suggestions for misspelled parameters and values in the messages of Ansible's argument validation."""

from __future__ import annotations

import re
from collections.abc import Iterable

_UNSUPPORTED = re.compile(r"(Unsupported parameters for .* module: )?(.+)\. Supported parameters include: (.+?)\.?")
_CHOICE = re.compile(r"value of \S+ must be one of: (.+), got: (.+?)(?: found in \S+)?")
_CHOICES = re.compile(r"value of \S+ must be one or more of: (.+)\. Got no match for: (.+?)(?: found in \S+)?")
# Similarity of two words from 0 to 1.
_SIMILAR = 0.6


def suggest(given: str, known: Iterable[str], similarity: float = _SIMILAR) -> str | None:
    """Return the known word that is most similar to a word, None if none is similar."""
    # Imported only for an error, because each run compiles all imported files.
    import difflib

    found = difflib.get_close_matches(given, list(known), 1, similarity)
    return found[0] if found else None


def explain_argument_error(message: str) -> str:
    """Return a message of Ansible's argument validation with a suggestion, if it is about a misspelled word."""
    unsupported = _UNSUPPORTED.fullmatch(message)
    choice = _CHOICE.fullmatch(message) or _CHOICES.fullmatch(message)
    if unsupported:
        _head, given, known = unsupported.groups()
        # The last part of a path such as links.kind is the name.
        found = [suggest(path.rpartition(".")[2], _split_names(known)) for path in given.split(", ")]
        message = f"{given}: no such parameter"
        message += "" if any(found) else f"; the parameters are {known}"
    elif choice:
        found = [suggest(one, choice[1].split(", ")) for one in choice[2].split(", ")]
    else:
        return message
    words = " and ".join(dict.fromkeys(word for word in found if word))
    return f"{message}; did you mean {words}?" if words else message


def _split_names(text: str) -> list[str]:
    """Return the names of parameters and their aliases, which are in parentheses."""
    return re.findall(r"[A-Za-z0-9_]+", text)
