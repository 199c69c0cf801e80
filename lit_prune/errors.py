"""The error class for users."""


class UserError(ValueError):
    """An invalid setting, file or environment.

    The message names the offending value and the remedy; the command line prints it without a traceback and exits with
    code 2. Every other exception is a bug of the package and keeps its traceback.
    """
