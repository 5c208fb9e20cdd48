"""What users may tell the sampler: checked before anything compiles, and given to every run."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

__all__ = ["check_backend", "nuts_options", "split_target"]

OURS = {
    "draws": "draws=",
    "num_draws": "draws=",
    "tune": "tune=",
    "num_tune": "tune=",
    "chains": "chains=",
    "num_chains": "chains=",
    "cores": "cores=",
    "seed": "random_seed=",
    "random_seed": "random_seed=",
    "progress_bar": "progressbar=",
    "progressbar": "progressbar=",
    "backend": "backend=",
}
"""Options that are arguments of the functions themselves."""
READ = (
    "blocking",
    "compiled_model",
    "init_mean",
    "return_raw_trace",
    "sampler",
    "save_warmup",
    "store_unconstrained",
    "zarr_store",
)
"""Options that decide where a run begins and what it gives back."""
SHOWN = ("progress_callback", "progress_template", "progress_style", "progress_rate")
"""Options of `nutpie.sample` that are no settings of its sampler."""
ADAPTATIONS = ("diag", "draw_diag", "low_rank")


def nuts_options(
    target_accept: float | None,
    backend: str | None,
    nuts_sampler_kwargs: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Return the options for `nutpie.sample`, or raise where they cannot be meant.

    Examples
    --------
    >>> nuts_options(0.9, None, {"max_treedepth": 8})
    {'maxdepth': 8, 'target_accept': 0.9}
    >>> nuts_options(90, None, None)
    Traceback (most recent call last):
    ...
    ValueError: target_accept=90 must be a number between 0 and 1.
    """
    if backend not in (None, "numba"):
        _check_known(backend)
        raise ValueError(
            f"backend={backend!r} cannot be used here, where compiled functions are called that "
            "only 'numba' makes: leave backend= out, or sample at one trust with fp.sample(), "
            "for which 'jax' must be installed (pip install jax)."
        )
    target, options = split_target(target_accept, nuts_sampler_kwargs)
    if "max_treedepth" in options:  # PyMC's name of it
        options["maxdepth"] = options.pop("max_treedepth")
    for name in options:
        if name in OURS:
            raise ValueError(f"nuts_sampler_kwargs= names {name!r}: give {OURS[name]} instead.")
        if name in READ:
            raise ValueError(
                f"nuts_sampler_kwargs= names {name!r}, which decides where a run begins or what it "
                "gives back, and is set here: leave it out."
            )
    _check_settings(options)
    return options if target is None else {**options, "target_accept": target}


def split_target(
    target_accept: float | None, given: Mapping[str, Any] | None
) -> tuple[float | None, dict[str, Any]]:
    """Return ``target_accept``, given in either place, and the other options."""
    if given is not None and not (
        isinstance(given, Mapping) and all(isinstance(name, str) for name in given)
    ):
        raise TypeError(
            f"nuts_sampler_kwargs={given!r:.80} must be a dict of options by name, such as "
            "{'max_treedepth': 12}."
        )
    options = dict(given or {})
    inner = options.pop("target_accept", None)
    if inner is not None and target_accept is not None:
        raise ValueError(
            "target_accept= is given twice, as an argument and in nuts_sampler_kwargs=: leave one "
            "out."
        )
    target = inner if target_accept is None else target_accept
    if target is not None:
        _check_target(target)
    return target, options


def check_backend(backend: str | None) -> None:
    """Raise where there is no such backend, or it is not installed."""
    _check_known(backend)
    if backend == "jax" and find_spec("jax") is None:
        raise ImportError(
            "backend='jax' needs JAX, which is not installed: pip install jax, or leave backend= "
            "out."
        )


def _check_known(backend: Any) -> None:
    if backend not in (None, "numba", "c", "jax"):
        raise ValueError(f"backend={backend!r:.80} must be 'numba', 'c' or 'jax'.")


def _check_target(target: Any) -> None:
    import numpy as np

    number = isinstance(target, int | float | np.number) and not isinstance(target, bool)
    if not number or not 0 < target < 1:
        raise ValueError(f"target_accept={target!r:.80} must be a number between 0 and 1.")


def _check_settings(options: Mapping[str, Any]) -> None:
    """Raise where the sampler has no such settings: it would say so when all has compiled."""
    if not options:
        return  # without the sampler's import, which takes seconds
    from nutpie import _lib

    rest = {name: value for name, value in options.items() if name not in SHOWN}
    adaptation = rest.pop("adaptation", "diag")
    if adaptation not in ADAPTATIONS:
        raise ValueError(
            f"nuts_sampler_kwargs= gives adaptation={adaptation!r:.40}, which must be one of "
            f"{', '.join(map(repr, ADAPTATIONS))}."
        )
    kinds = _lib.PyNutsSettings
    settings = kinds.LowRank(0) if adaptation == "low_rank" else kinds.Diag(0)
    for name, value in rest.items():
        try:
            settings.update({name: value})
        except (AttributeError, TypeError, ValueError, OverflowError) as error:
            raise ValueError(
                f"nuts_sampler_kwargs={{{name!r}: {value!r:.40}}} is no setting of the sampler "
                f"({str(error):.80}): see nutpie.sample for those there are."
            ) from None
