"""A stand-in for a built-in function. Python 3.8, standard library only."""


class Builtin:
    """Like a builtin, and unlike a Python function, it is no method when a class holds it.

    Equals the function that it wraps, for example in `os.supports_dir_fd`.
    """

    def __init__(self, plain):
        self.__wrapped__ = plain
        self.__name__ = self.__qualname__ = plain.__name__
        self.__module__ = plain.__module__
        self.__doc__ = plain.__doc__

    def __repr__(self):
        return repr(self.__wrapped__)

    def __reduce__(self):
        return self.__name__

    def __eq__(self, other):
        return self is other or self.__wrapped__ == other

    def __hash__(self):
        return hash(self.__wrapped__)
