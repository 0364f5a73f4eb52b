"""The one exception that is meant for the person at the keyboard."""


class ExploreError(Exception):
    """A mistake or a missing piece that the user can mend.

    The message says what is wrong, with which file or value, and the command that mends it.
    The command line prints it without a traceback; the dashboard shows it in place of a picture.
    """
