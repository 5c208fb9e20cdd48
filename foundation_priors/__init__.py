"""Bayesian inference that treats the answers of language models as priors, never as data."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from foundation_priors import (
        bootstrap,
        conjugate,
        datasets,
        diagnose,
        elicit,
        plots,
        trust,
    )
    from foundation_priors.beliefs import Belief, Beliefs
    from foundation_priors.bootstrap import BootstrapPath, bootstrap_path
    from foundation_priors.diagnose.reliance import reliance
    from foundation_priors.diagnose.worth import worth
    from foundation_priors.elicit import Anticipation, Elicitation, Endpoint, Number, Text
    from foundation_priors.errors import (
        ColumnError,
        ElicitationError,
        FileError,
        FoundationPriorsError,
        ImproperPriorError,
        IncompleteWarning,
        JournalError,
        ModelError,
        PlaceboWarning,
        RereadWarning,
        StatementError,
        SyntheticAsEvidenceError,
        UnreliableWarning,
    )
    from foundation_priors.path import TrustPath, trust_path
    from foundation_priors.prior import Commensurate, codes, sample, tilt
    from foundation_priors.report.audit import Audit, audit
    from foundation_priors.synthetic import SyntheticData, concat

__version__ = "0.2.0"

__all__ = [
    "Anticipation",
    "Audit",
    "Belief",
    "Beliefs",
    "BootstrapPath",
    "ColumnError",
    "Commensurate",
    "Elicitation",
    "ElicitationError",
    "Endpoint",
    "FileError",
    "FoundationPriorsError",
    "ImproperPriorError",
    "IncompleteWarning",
    "JournalError",
    "ModelError",
    "Number",
    "PlaceboWarning",
    "RereadWarning",
    "StatementError",
    "SyntheticAsEvidenceError",
    "SyntheticData",
    "Text",
    "TrustPath",
    "UnreliableWarning",
    "audit",
    "bootstrap",
    "bootstrap_path",
    "codes",
    "concat",
    "conjugate",
    "datasets",
    "diagnose",
    "elicit",
    "plots",
    "reliance",
    "sample",
    "tilt",
    "trust",
    "trust_path",
    "worth",
]

_ROOMS = {
    "beliefs": ("Belief", "Beliefs"),
    "bootstrap": ("BootstrapPath", "bootstrap_path"),
    "diagnose": ("reliance", "worth"),
    "elicit": ("Anticipation", "Elicitation", "Endpoint", "Number", "Text"),
    "errors": (
        "ColumnError",
        "ElicitationError",
        "FileError",
        "FoundationPriorsError",
        "ImproperPriorError",
        "IncompleteWarning",
        "JournalError",
        "ModelError",
        "PlaceboWarning",
        "RereadWarning",
        "StatementError",
        "SyntheticAsEvidenceError",
        "UnreliableWarning",
    ),
    "path": ("TrustPath", "trust_path"),
    "prior": ("Commensurate", "codes", "sample", "tilt"),
    "report": ("Audit", "audit"),
    "synthetic": ("SyntheticData", "concat"),
}
_HOMES = {name: room for room, names in _ROOMS.items() for name in names}
_MODULES = ("bootstrap", "conjugate", "datasets", "diagnose", "elicit", "plots", "trust")


# Hidden from type checkers, to whom a module with __getattr__ has every attribute.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """Load a public name on first use, so that importing the package costs nothing."""
        from importlib import import_module

        if name in _MODULES:
            return import_module(f"{__name__}.{name}")
        if name in _HOMES:
            value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
            globals()[name] = value
            return value
        raise AttributeError(_unknown(name))


def _unknown(name: str) -> str:
    from foundation_priors.errors import did_you_mean

    return f"module {__name__!r} has no attribute {name!r}.{did_you_mean(name, __all__)}"


def __dir__() -> list[str]:
    return sorted({*__all__, "__version__"})
