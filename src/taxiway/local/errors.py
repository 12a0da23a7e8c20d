"""The base of every error of the laptop that is for a person and needs no traceback."""


class LaptopError(Exception):
    """The laptop can't do what is asked. The message says what is wrong, and after `Fix:` what to do."""
