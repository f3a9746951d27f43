"""The names of `nni` itself that only algorithms use."""

import os


class NoMoreTrialError(Exception):
    """The tuner has no parameters to offer now."""

    def __init__(self, ErrorInfo="the search space is fully explored"):  # noqa: N803  NNI's name
        super().__init__(ErrorInfo)
        self.errorinfo = ErrorInfo


class ClassArgsValidator:
    """Checks an algorithm's `classArgs`; one written for NNI overrides `validate_class_args`.

    The other methods return parts of a schema; they need the package `schema`.
    """

    def validate_class_args(self, **kwargs):
        """Raise an error for invalid arguments."""

    def choices(self, key, *args):
        """The argument is one of `args`."""
        from schema import And

        return And(lambda value: value in args, error="%s must be one of %r" % (key, args))

    def range(self, key, keyType, start, end):  # noqa: N803  NNI's name
        """The argument is of the type `keyType`, from `start` to `end`."""
        from schema import And

        kind = "%s must be of type %s" % (key, keyType.__name__)
        bounds = "%s must be from %s to %s" % (key, start, end)
        return And(And(keyType, error=kind), And(lambda n: start <= n <= end, error=bounds))

    def path(self, key):
        """The argument is the path of a file or folder that exists."""
        from schema import And

        text = And(str, error="%s must be a string" % key)
        return And(text, And(os.path.exists, error="%s does not exist" % key))
