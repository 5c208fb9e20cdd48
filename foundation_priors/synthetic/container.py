"""The container that holds what a language model said apart from evidence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
import xarray as xr

from foundation_priors.errors import ColumnError, UnreliableWarning, did_you_mean, warn
from foundation_priors.hdf5 import MAX_BYTES
from foundation_priors.synthetic.build import (
    ROWS,
    Schema,
    build,
    parts_of_frame,
    reweigh,
    row_mass,
)
from foundation_priors.synthetic.described import Described
from foundation_priors.synthetic.guard import arm
from foundation_priors.synthetic.lines import frame_from_lines
from foundation_priors.synthetic.select import matches

if TYPE_CHECKING:
    import os

    from foundation_priors.synthetic.clusters import Effect

NOTHING_TELLS = (
    "Nothing tells repeated answers from respondents, so each row counts as one answer, which is an"
    " upper bound: name unit= or cluster=, keep the covariates that were asked about, or give"
    " weight= (1 says that the rows are independent)."
)

__all__ = ["SyntheticData"]


class SyntheticData(Described):
    """Answers of a language model: a prior, never evidence.

    A frozen container with one row per answer. It refuses to be turned into an array, so that it
    cannot become observed data by accident; `dataset` is the only way out.

    Parameters
    ----------
    dataset : xarray.Dataset
        Dims: ``answer`` (or whatever the first outcome's first dim is called). An index of the rows
        is dropped; categorical variables become strings with levels. An outcome or covariate may
        have a second dim: a row of numbers for each answer, such as the ``X`` of ``X @ beta``.
    outcome : str or sequence of str
        The columns that are answers; all others are covariates.
    source : str, optional
        A column that names who answered, or one name for all rows. Default: the column ``source``.
    cluster : str or sequence of str, optional
        Columns whose equal values mark answers that belong together (each a clustering).
    unit : str, optional
        The column that identifies the person, or other unit, that an answer speaks about.
    weight : float, str or array_like, optional
        Weights of the rows, shape (answer,), taken as they are: a number, a column, an array. 1
        says that the rows are independent. Default: 1 over the design effect, see `weights`.
    probability : str, optional
        For answers that are distributions: a column with the chance that the answer gives to the
        outcome in that row. Such an answer has one row for each level that it allows, alike in
        everything but outcome and chance, and each row weighs so much of an answer.
    levels : mapping of str to sequence, optional
        What a column can take, in order, and for strings how they are coded. A
        `pandas.CategoricalDtype` also says whether the order means something.
    provenance : mapping, optional
        Where the answers come from, nested: ``model``, ``prompts``, ``sampling``, ``dates`` and
        whatever else; these four read "not recorded" where unknown.

    Raises
    ------
    ColumnError
        If a column is missing, of the wrong kind, or holds a value that it must not hold.

    Notes
    -----
    The columns ``source``, ``framing``, ``persona``, ``conversation``, ``model`` and ``draw``,
    where there are any, are factors of the design and become coordinates, as do unit and clusters.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"age": [20, 20, 60, 60], "vote": ["Dole", "Dole", "Clinton", "Dole"]})
    >>> llm = SyntheticData.from_dataframe(
    ...     frame, outcome="vote", source="qwen3", levels={"vote": ["Clinton", "Dole"]}
    ... )
    >>> llm.covariates, llm.sources, len(llm)
    (('age',), ('qwen3',), 4)
    """

    __slots__ = ("_effects", "_then")
    _effects: dict[tuple[str, ...], Effect]
    _then: dict[tuple[str, ...], Effect]
    """What the rules of then gave, where the answers come from a file."""

    def __init__(
        self,
        dataset: xr.Dataset,
        *,
        outcome: str | Sequence[str],
        source: str | None = None,
        cluster: str | Sequence[str] | None = None,
        unit: str | None = None,
        weight: float | str | Sequence[float] | np.ndarray | None = None,
        probability: str | None = None,
        levels: Mapping[str, Any] | None = None,
        provenance: Mapping[str, Any] | None = None,
    ) -> None:
        if not isinstance(dataset, xr.Dataset):
            raise TypeError(
                f"An xarray.Dataset is needed, and this is a {type(dataset).__name__}: for a frame"
                " use SyntheticData.from_dataframe."
            )
        meaning = (outcome, source, cluster, unit, weight, probability, levels, provenance)
        self._set(*build(dataset, *meaning))

    @classmethod
    def from_dataframe(cls, frame: pd.DataFrame, **columns: Any) -> Self:
        """Make it from a frame with one row per answer.

        Parameters
        ----------
        frame : pandas.DataFrame
            Shape (answer, column). Categorical columns become strings with levels. Named levels
            of the index are columns too; an index without a name is dropped.
        **columns
            ``outcome=``, ``source=``, ``cluster=``, ``unit=``, ``weight=``, ``probability=``,
            ``levels=`` and ``provenance=``, as in `SyntheticData`.

        Returns
        -------
        SyntheticData
            With as many answers as the frame has rows.

        Raises
        ------
        ColumnError
            If a column is missing, of the wrong kind, or holds a value that it must not hold.

        Examples
        --------
        >>> frame = pd.DataFrame({"wage": [500.0, 620.0], "framing": ["plain", "roleplay"]})
        >>> SyntheticData.from_dataframe(frame, outcome="wage").factors
        ('framing',)
        """
        return cls(parts_of_frame(frame), **columns)

    @classmethod
    def from_jsonl(
        cls, path_or_lines: str | os.PathLike | Iterable[str | Mapping], **columns: Any
    ) -> Self:
        """Make it from JSON lines, one object per answer.

        Parameters
        ----------
        path_or_lines : str, path or iterable of str or mapping
            A file, the text itself, its lines, or the objects in them.
        **columns
            As in `from_dataframe`.

        Returns
        -------
        SyntheticData
            With as many answers as there are lines that are not empty.

        Raises
        ------
        ValueError
            If a line is no JSON object, or a column is not as it must be.

        Examples
        --------
        >>> SyntheticData.from_jsonl(['{"draw": 0, "wage": 500}'], outcome="wage").column("wage")
        array([500])
        """
        return cls.from_dataframe(frame_from_lines(path_or_lines), **columns)

    @classmethod
    def _wrap(
        cls,
        data: xr.Dataset,
        schema: Schema,
        then: dict[tuple[str, ...], Effect] | None = None,
        keep: bool = False,
    ) -> Self:
        """Wrap checked answers; ``keep`` goes on with the design effects of a file, ``then``."""
        self = cls.__new__(cls)
        self._set(data, schema)
        object.__setattr__(self, "_then", then or {})
        if keep:
            self._effects.update(self._then)
        return self

    def _set(self, data: xr.Dataset, schema: Schema) -> None:
        arm()
        object.__setattr__(self, "_data", data)
        object.__setattr__(self, "_schema", schema)
        object.__setattr__(self, "_effects", {})
        object.__setattr__(self, "_then", {})

    def weights(self, outcomes: str | Sequence[str] | None = None) -> np.ndarray:
        """Return what each answer weighs in the tilt.

        Parameters
        ----------
        outcomes : str or sequence of str, optional
            The outcomes that are used. Default: all.

        Returns
        -------
        numpy.ndarray
            Shape (answer,). The weights given by the user, or else 1 over the design effect, the
            same for all rows; times the probability, where answers are distributions. Their sum is
            the number of effective rows.

        Notes
        -----
        Rows of one unit, or where no unit is named of equal covariates (of at least two profiles),
        answer the same question. However often it was asked, a question counts as one answer, and
        as at most two if the answers to it vary as much as those to other questions (see
        `foundation_priors.synthetic.weights.distinct`, which equals the one-way analysis of
        variance for votes that mostly agree). Other clusterings (conversation, framing, source,
        persona, model, each named cluster, equal covariates beside a unit) lower the weight
        further where they explain more than chance does
        (`foundation_priors.synthetic.weights.crossing`); the smallest weight counts. Where there
        are only such clusterings, their analysis of variance decides.

        Copying every row k times, with or without new draw numbers, divides the weights by exactly
        k, and changing, adding or dropping one of n answers to the same questions moves their sum
        by about :math:`5/n` of it at most. Without unit, clusters, conversation or two profiles
        nothing tells repeated answers from respondents: each row then counts as one answer, which
        is an upper bound and warned about.

        Warns
        -----
        UnreliableWarning
            If nothing tells repeated answers from respondents.
        """
        from foundation_priors.synthetic.clusters import UNTOLD

        mass = row_mass(self._data, self._schema)
        if self._schema.weight is not None:
            return mass * self._data[self._schema.weight].values.astype(float)
        found = self._effect(outcomes)
        if found.clustering == UNTOLD and len(self) > 1 and not self._keeps:
            warn(NOTHING_TELLS, UnreliableWarning)
        return mass / found.size

    def with_weight(
        self, weight: float | str | Sequence[float] | np.ndarray | None = None
    ) -> SyntheticData:
        """Return the same answers with other weights.

        Parameters
        ----------
        weight : float, str or array_like, optional
            As in `SyntheticData`: 1 says that the rows are independent, None goes back to 1 over
            the design effect.

        Returns
        -------
        SyntheticData
            The same rows, meaning and provenance.

        Raises
        ------
        ColumnError
            If a weight is negative, not finite, of another length, or no column.

        Examples
        --------
        >>> frame = pd.DataFrame({"vote": ["Dole"] * 4, "age": [20, 20, 60, 60]})
        >>> llm = SyntheticData.from_dataframe(frame, outcome="vote")
        >>> llm.with_weight(1).weights()
        array([1., 1., 1., 1.])
        """
        return type(self)._wrap(*reweigh(self._data, self._schema, weight))

    def effective_size(self, by: str = "source") -> pd.DataFrame:
        """Count rows, repeated rows and effective rows.

        Parameters
        ----------
        by : str, optional
            The factor whose levels are counted apart.

        Returns
        -------
        pandas.DataFrame
            One row per level and one named ``total``, with ``rows``; ``duplicates``, the rows that
            repeat an earlier one in outcomes, covariates, unit and source; ``design_effect``, rows
            (or answers, where they are distributions) per effective row; ``clustering``, which is
            the largest; and ``effective_rows``.

        Raises
        ------
        ColumnError
            If there is no such factor.
        """
        from foundation_priors.synthetic.clusters import GIVEN, repeated_rows, size_table

        mass = row_mass(self._data, self._schema)
        given = self._schema.weight is not None
        return size_table(
            self.groups(by),
            self.weights() if given else mass / self._effect(None).size,
            mass,
            repeated_rows(self._data, self._schema),
            GIVEN if given else self._effect(None).clustering,
        ).rename_axis(by)

    def sel(self, **indexers: Any) -> SyntheticData:
        """Keep the answers with given values of factors.

        Parameters
        ----------
        **indexers
            A factor, cluster or the unit, and a value, a list of values or a slice of values (both
            ends included).

        Returns
        -------
        SyntheticData
            The rows at which all hold, in their order. Default weights are those of these rows.

        Raises
        ------
        ColumnError
            If there is no such factor or value, or no row is left.
        """
        keep = np.ones(len(self), dtype=bool)
        for name, wanted in indexers.items():
            if name not in self._row_coords():
                known = self._row_coords()
                raise ColumnError(f"There is no factor {name!r}.{did_you_mean(name, known)}")
            keep &= matches(name, self._data[name].values, wanted)
        if not keep.any():
            raise ColumnError(f"No answer has all of {indexers}: ask for fewer at once.")
        return self.isel(keep)

    def isel(self, answer: int | slice | Sequence[int] | np.ndarray) -> SyntheticData:
        """Keep the answers at given positions.

        Parameters
        ----------
        answer : int, slice, sequence of int or boolean array
            Row positions, or shape (answer,) of booleans.

        Returns
        -------
        SyntheticData
            These rows. Default weights are those of these rows.

        Raises
        ------
        ColumnError
            If no row is left.
        """
        rows = np.atleast_1d(np.arange(len(self))[answer])
        if not rows.size:
            raise ColumnError("No answers are left (zero rows): keep at least one.")
        return type(self)._wrap(self._data.isel({ROWS: rows}), self._schema)

    def to_netcdf(self, path: str | os.PathLike) -> None:
        """Write everything to a NetCDF file.

        Parameters
        ----------
        path : str or path
            Where to; an existing file is replaced.
        """
        from foundation_priors.synthetic.files import write

        write(self._data, self._schema, path, self._effects if self._keeps else None)

    @classmethod
    def from_netcdf(cls, path: str | os.PathLike, *, max_bytes: int = MAX_BYTES) -> Self:
        """Read what `to_netcdf` wrote, with nothing lost.

        Parameters
        ----------
        path : str or path
            The file, by this version of the package or an earlier one.
        max_bytes : int
            The most bytes that it may become in memory.

        Returns
        -------
        SyntheticData
            Identical to what was written. Default weights are those of today's rule; where that of
            then gave others, the display says so. The answers of a saved path keep theirs.

        Raises
        ------
        FileNotFoundError, FileError
            If the file is missing, cut short, damaged or no NetCDF file, or holds something else.
        """
        from foundation_priors.synthetic.files import read

        return cls._wrap(*read(path, max_bytes))

    def identical(self, other: object) -> bool:
        """Say whether another container holds the same rows, meaning and provenance.

        Parameters
        ----------
        other : object
            Anything.

        Returns
        -------
        bool
            True if nothing differs, kinds of numbers included.
        """
        if not isinstance(other, SyntheticData) or self._schema != other._schema:
            return False
        kinds = [{n: v.dtype for n, v in s._data.variables.items()} for s in (self, other)]
        return self._data.identical(other._data) and kinds[0] == kinds[1]

    def _effect(self, outcomes: str | Sequence[str] | None) -> Effect:
        from foundation_priors.synthetic.clusters import effect

        names = (outcomes,) if isinstance(outcomes, str) else tuple(outcomes or self.outcomes)
        for name in names:
            if name not in self.outcomes:
                raise ColumnError(f"{name!r} is no outcome.{did_you_mean(name, self.outcomes)}")
        if names not in self._effects:
            self._effects[names] = effect(self._data, self._schema, names)
        return self._effects[names]

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle without asking for an array."""
        return type(self)._wrap, (self._data, self._schema, self._then, self._keeps)

    def __copy__(self) -> Self:
        """Share the rows, which nobody can change."""
        return type(self)._wrap(self._data, self._schema, self._then, self._keeps)

    @property
    def _keeps(self) -> bool:
        """Whether the weights are those of the rules of then."""
        return bool(self._then) and self._then.items() <= self._effects.items()

    def __repr__(self) -> str:
        """Say what it is, from whom, and what it is worth."""
        from foundation_priors.synthetic.display import text

        return text(self)

    def _repr_html_(self) -> str:
        """Say the same in a notebook."""
        from foundation_priors.synthetic.display import html

        return html(self)
