"""How many observations a prior is worth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from foundation_priors.conjugate import BetaMixture, ConjugateMixture, GammaMixture, NormalMixture
from foundation_priors.errors import UnreliableWarning, did_you_mean, warn
from foundation_priors.trust.ess_prior import METHODS, Family, Law, ess_of

if TYPE_CHECKING:
    from foundation_priors.path.draws import Quantity

__all__ = ["prior_ess"]

LINKS = {"binomial": "logit", "poisson": "log", "normal": "identity"}
PATH_METHODS = (*METHODS, "information")


def prior_ess(
    prior: Any,
    quantity: Quantity | Sequence[Quantity] | None = None,
    trust: Any = None,
    method: str = "elir",
    *,
    likelihood: str | None = None,
    sigma: float | None = None,
    link: str = "identity",
    vague: float = 100.0,
    draws: int = 1000,
    random_seed: Any = None,
) -> xr.Dataset:
    r"""Return the effective sample size of a prior: the observations it is worth.

    Parameters
    ----------
    prior
        A `TrustPath`, of which the foundation prior at ``trust`` is meant; a mixture or a path of
        `foundation_priors.conjugate`; or a distribution of SciPy (frozen) or PyMC
        (``pm.Beta.dist(2, 5)``).
    quantity : str, callable or list of them, optional
        For a `TrustPath`: names, expressions or functions of the draws; arrays are taken apart. By
        default every free variable of the model. For a path of `foundation_priors.conjugate`: a
        parameter.
    trust : number, array, dict or rule, optional
        For paths: where to read them; ``"cautious"`` for a `TrustPath` if omitted.
    method : str
        ``"elir"``, the expected local information ratio, ``"moment"``, which matches the
        variance, or ``"morita"``, which compares curvatures at the mode (at the mean, for a
        `TrustPath`); and for a `TrustPath` ``"information"``, a ratio of expected informations.
        Where one is not defined the first of the others that is takes its place, ELIR before.
    likelihood : str, optional
        The sampling model of one observation: ``"binomial"`` (one trial), ``"poisson"`` (one unit
        of exposure) or ``"normal"`` (with known ``sigma``). Mixtures know theirs, and a `TrustPath`
        takes the rows of the user's model.
    sigma : float, optional
        Standard deviation of an observation; a `NormalMixture` may know it.
    link : str
        On which scale the prior is given: ``"identity"``, of the mean itself, ``"logit"`` for
        log odds, ``"log"`` for a log rate.
    vague : float
        By how much the prior is flattened in Morita's method.
    draws : int
        How many draws of a `TrustPath` are used.
    random_seed : int, optional
        Of the outcomes that are simulated for a `TrustPath`; its own seed if omitted.

    Returns
    -------
    xarray.Dataset
        ``ess`` in observations, its Monte Carlo standard error ``mcse`` (0 for a closed form) and
        the ``method`` that gave it ("none" with nan where no method does), over ``trust`` (unless
        that is one number) and, for a `TrustPath`, over ``quantity``.

    Warns
    -----
    UnreliableWarning
        Where the method asked for is not defined and another one takes its place: with a component
        so heavy that ELIR diverges or is not above 0, or, for a path, where a few draws make up a
        mean.

    Notes
    -----
    With :math:`i(p) = -\partial^2 \log p / \partial\theta^2` and the Fisher information
    :math:`i_F` of one observation [1]_,

    .. math:: ELIR = E_p[\, i(p(\theta)) / i_F(\theta) \,], \qquad
        moment = E_p[\, 1 / i_F(\theta) \,] / Var_p(\theta),

    the latter :math:`m(1 - m)/Var - 1` for a probability with mean m, and m/Var for a rate, so
    that the conjugate prior with these moments counts; Morita's [2]_ is
    :math:`(i(p) - i(p_0)) / E_y[i_F]` at the mode, with a prior :math:`p_0` flattened ``vague``
    times.
    The mean of ELIR over posteriors after m observations is ELIR + m.

    ELIR on the scale :math:`\theta` diverges for a Beta or Gamma component with a shape below 1,
    and counts a flat prior as 0. On the scale of the canonical parameter (log odds, log rate) it is
    larger by the density at the ends of the range, hence the same for a prior that vanishes there,
    and it is a + b for every Beta(a, b): the result is then that, as ``"elir_canonical"``. Where
    neither is finite and above 0, the moments' takes its place.

    For a `TrustPath` and a quantity h, with unconstrained coordinates u, the direction
    :math:`v = Cov(u, h)` in which h moves them under the prior, and the expected information
    matrix :math:`I_1(u)` of an average real row, outcomes simulated at u,

    .. math:: ELIR = E\left[\frac{-v' \nabla^2 \log p\, v}{v' I_1 v}\right], \qquad
        information = \frac{E[-v' \nabla^2 \log p\, v]}{E[v' I_1 v]}, \qquad
        moment = \frac{E[\nabla h' I_1^{-1} \nabla h]}{Var(h)},

    the first two with what else is known held fixed along v, the last with all of it to be learned
    from the same rows; Morita's compares at the prior's mean. For a conjugate normal mean all are
    the same, the pseudo-observations of the prior. Under a rule p is the prior averaged over the
    rule's hyperprior. The error counts the draws, not those behind v.

    References
    ----------
    .. [1] B. Neuenschwander, S. Weber, H. Schmidli and A. O'Hagan (2020). Predictively consistent
       prior effective sample sizes. Biometrics 76(2). doi:10.1111/biom.13252
    .. [2] S. Morita, P. F. Thall and P. Mueller (2008). Determining the effective sample size of
       a parametric prior. Biometrics 64(2). doi:10.1111/j.1541-0420.2007.00888.x

    Examples
    --------
    >>> import foundation_priors as fp
    >>> from foundation_priors.trust.ess import prior_ess
    >>> prior = fp.conjugate.BetaMixture([0.7, 0.3], [19, 8], [133, 40])
    >>> [round(prior_ess(prior, method=m).ess.item(), 2) for m in ("elir", "moment", "morita")]
    [96.16, 68.14, 124.28]
    >>> coin = fp.conjugate.BetaBinomial(real=(4, 5), synthetic=(5, 10))
    >>> prior_ess(coin, trust=[0.5, 1]).ess.values.round(6)
    array([ 7., 12.])
    """
    from foundation_priors.conjugate import ConjugatePath
    from foundation_priors.path import TrustPath

    if not (np.isfinite(vague) and vague > 1):
        raise ValueError(f"vague={vague} must be above 1: it is how much the prior is flattened.")
    if isinstance(prior, TrustPath):
        if likelihood is not None or sigma is not None or link != "identity":
            raise ValueError(
                "A path counts rows of the user's own model: leave out likelihood=, sigma=, link=."
            )
        _known(method, PATH_METHODS)
        from foundation_priors.trust.ess_path import path_ess

        return path_ess(prior, quantity, trust, method, vague, draws, random_seed)
    _known(method, METHODS)
    if isinstance(prior, ConjugatePath):
        return _conjugate(prior, quantity, trust, method, vague, likelihood, sigma, link)
    if trust is not None or quantity is not None:
        raise ValueError("trust= and quantity= are about a path: leave them out for a prior.")
    value, used = _single(prior, method, vague, likelihood, sigma, link)
    return xr.Dataset({"ess": value, "mcse": 0.0, "method": used}, attrs={"asked": method})


def _known(method: str, methods: Sequence[str]) -> None:
    if method not in methods:
        raise ValueError(f"method={method!r} is none.{did_you_mean(method, methods)}")


def _single(
    prior: Any,
    method: str,
    vague: float,
    likelihood: str | None,
    sigma: float | None,
    link: str,
) -> tuple[float, str]:
    family, law = _read(prior, likelihood, sigma, link)
    value, used, failed = ess_of(law, family, method, vague)
    if failed:
        warn(
            f"The effective sample size by {method!r} is not defined here ({'; '.join(failed)}): "
            f"this one is by {used!r}.",
            UnreliableWarning,
        )
    return value, used


def _read(prior: Any, likelihood: str | None, sigma: float | None, link: str) -> tuple[Family, Law]:
    """Return the sampling model and the prior at nodes."""
    found = prior if isinstance(prior, ConjugateMixture) else _as_mixture(prior)
    if found is None:
        _check_prior(prior)
        family = _family(likelihood, sigma, link)
        logpdf, support = _density(prior, family)
        return family, Law.of_density(logpdf, support, family)
    if likelihood is None and isinstance(prior, ConjugateMixture):
        likelihood = found.likelihood
    if likelihood == "normal" and sigma is None:
        sigma = getattr(found, "sigma", None)
    family = _family(likelihood, sigma, link)
    direct = found.likelihood == (family.name if link == "identity" else "normal")
    if direct:
        return family, Law.of_mixture(found, family)
    _check_support(found.support, family)
    return family, Law.of_density(found.logpdf, found.support, family)


def _family(likelihood: str | None, sigma: float | None, link: str) -> Family:
    if likelihood is None:
        raise ValueError(
            "Nothing says what an observation is: give likelihood='binomial', 'poisson' or "
            "'normal' with sigma=."
        )
    if likelihood not in LINKS:
        raise ValueError(f"likelihood={likelihood!r} is none.{did_you_mean(likelihood, LINKS)}")
    if link not in ("identity", LINKS[likelihood]):
        raise ValueError(
            f"link={link!r} does not go with likelihood={likelihood!r}: give 'identity' or "
            f"{LINKS[likelihood]!r}."
        )
    if likelihood != "normal":
        if sigma is not None:
            raise ValueError(f"sigma= has no meaning with likelihood={likelihood!r}: leave it out.")
        return Family(likelihood, link)
    if sigma is None or not (np.isfinite(sigma) and sigma > 0):
        raise ValueError(
            f"sigma={sigma}: give the standard deviation of one observation, above 0, since the "
            "prior is counted in them."
        )
    return Family(likelihood, link, float(sigma))


def _as_mixture(prior: Any) -> ConjugateMixture | None:
    """Return a Beta, normal or Gamma distribution as a mixture of one, so that it is exact."""
    if getattr(prior, "owner", None) is not None:
        return _from_pymc(prior)
    dist: Any = getattr(prior, "dist", None)
    name = getattr(dist, "name", None)
    if name not in ("beta", "norm", "gamma") or not hasattr(dist, "_parse_args"):
        return None
    shapes, loc, scale = dist._parse_args(*prior.args, **prior.kwds)
    if name == "norm":
        return NormalMixture(1.0, loc, scale)
    if name == "gamma":
        return GammaMixture(1.0, shapes[0], 1 / np.asarray(scale)) if loc == 0 else None
    return BetaMixture(1.0, *shapes) if (loc, scale) == (0, 1) else None


def _from_pymc(prior: Any) -> ConjugateMixture | None:
    from foundation_priors.prior.model import numpy_mode

    if getattr(prior, "ndim", 0):
        raise ValueError(f"The prior has {prior.ndim} dimensions: give a scalar distribution.")
    name = getattr(prior.owner.op, "_print_name", ("",))[0]
    kinds: dict[str, Callable[[float, float], ConjugateMixture]] = {
        "Beta": lambda a, b: BetaMixture(1.0, a, b),
        "Normal": lambda mean, sd: NormalMixture(1.0, mean, sd),
        "Gamma": lambda a, scale: GammaMixture(1.0, a, 1 / scale),
    }
    if name not in kinds:
        return None
    first, second = (p.eval(mode=numpy_mode()) for p in prior.owner.op.dist_params(prior.owner))
    return kinds[name](first, second)


def _density(prior: Any, family: Family) -> tuple[Callable[[Any], Any], tuple[float, float]]:
    """Return the log density of a distribution and its support."""
    domain = family.domain if family.link == "identity" else (-np.inf, np.inf)
    if getattr(prior, "owner", None) is not None:
        import pymc as pm
        import pytensor

        from foundation_priors.prior.model import numpy_mode

        x = pytensor.tensor.dvector()
        return pytensor.function([x], pm.logp(prior, x), mode=numpy_mode()), domain
    support = getattr(prior, "support", domain)
    low, high = support() if callable(support) else support
    if np.ndim(low) or np.ndim(prior.logpdf(0.5)):
        raise ValueError("The prior is no single distribution: give one with scalar parameters.")
    _check_support((low, high), family)
    return prior.logpdf, (max(float(low), domain[0]), min(float(high), domain[1]))


def _check_prior(prior: Any) -> None:
    known = getattr(prior, "owner", None) is not None
    if not known and not callable(getattr(prior, "logpdf", None)):
        raise TypeError(
            f"prior={prior!r} is none: give a path, a mixture of fp.conjugate, or a distribution "
            "of SciPy or PyMC."
        )


def _check_support(support: tuple[float, float], family: Family) -> None:
    low, high = family.domain
    if family.link == "identity" and (support[0] < low - 1e-12 or support[1] > high + 1e-12):
        scale = LINKS[family.name]
        raise ValueError(
            f"The prior lies between {support[0]:g} and {support[1]:g}, and the mean of an "
            f"observation between {low:g} and {high:g}: truncate it, or give link={scale!r} if it "
            "is on that scale."
        )


def _conjugate(
    path: Any,
    quantity: Any,
    trust: Any,
    method: str,
    vague: float,
    likelihood: str | None,
    sigma: float | None,
    link: str,
) -> xr.Dataset:
    from foundation_priors.conjugate import BetaBinomial, GammaPoisson, NormalMean

    kinds: dict[Any, str] = {
        BetaBinomial: "binomial",
        GammaPoisson: "poisson",
        NormalMean: "normal",
    }
    if type(path) not in kinds:
        raise TypeError(
            f"A {type(path).__name__} has several unknowns, so that its prior is no single "
            "distribution: build the path with trust_path()."
        )
    if (likelihood, sigma, link) != (None, None, "identity"):
        raise ValueError("A conjugate path knows its model: leave out likelihood=, sigma=, link=.")
    name, at = path._name(quantity), path._at(trust)
    spread = path.sigma if isinstance(path, NormalMean) else None
    found = []
    for weights in path._prior(at.values):
        law = path._joint(weights)[name]
        found.append(_single(law, method, vague, kinds[type(path)], spread, "identity"))
    values, used = (np.array(column) for column in zip(*found, strict=True))
    out = {"ess": values, "mcse": np.zeros(len(values)), "method": used}
    return xr.Dataset({k: at.label(v, k) for k, v in out.items()}, attrs={"asked": method})
