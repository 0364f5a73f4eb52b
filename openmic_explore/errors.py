"""The one exception that is meant for the person at the keyboard."""

import shlex
from pathlib import Path


class ExploreError(Exception):
    """A mistake or a missing piece that the user can mend.

    The message says what is wrong, with which file or value, and the command that mends it.
    The command line prints it without a traceback; the dashboard shows it in place of a picture.
    """


class MissingError(ExploreError):
    """A piece that is not there, as opposed to one that is damaged."""


class BusyError(ExploreError):
    """Another process is at work on the same thing."""


def as_command(*arguments: str | Path) -> str:
    """The command to type, with its arguments quoted for a shell."""
    return f"openmic-explore {shlex.join(map(str, arguments))}"
