"""Sample the posterior at one fixed trust."""


def sample(*a, **k): ...
