"""What a container of synthetic answers holds, for reading only."""

from __future__ import annotations

import copy
from typing import Any, NoReturn

import numpy as np
import pandas as pd
import xarray as xr

from foundation_priors.errors import ColumnError, did_you_mean
from foundation_priors.synthetic.build import ROWS, TEXT, WEIGHT, Schema
from foundation_priors.synthetic.columns import is_missing
from foundation_priors.synthetic.guard import Guarded

__all__ = ["Described"]


class Described(Guarded):
    """Rows and what they mean, for reading only."""

    __slots__ = ("_data", "_schema")
    _data: xr.Dataset
    _schema: Schema

    def __len__(self) -> int:
        """Count the answers."""
        return int(self._data.sizes[ROWS])

    @property
    def dataset(self) -> xr.Dataset:
        """A copy as a plain Dataset, dims: answer. The only way out."""
        return self._data.copy(deep=True)

    @property
    def outcomes(self) -> tuple[str, ...]:
        """The columns that are answers."""
        return self._schema.outcomes

    @property
    def covariates(self) -> tuple[str, ...]:
        """The columns that are no answers, no factors, and not the unit."""
        return tuple(str(n) for n in self._data.data_vars if n not in self._schema.outcomes)

    @property
    def factors(self) -> tuple[str, ...]:
        """The coordinates of the design, such as source, framing and draw; no texts."""
        hidden = {self.unit, self._schema.weight, *self.texts}
        return tuple(n for n in self._row_coords() if n not in hidden)

    @property
    def texts(self) -> tuple[str, ...]:
        """The coordinates that are answers in free text."""
        return tuple(n for n in self._row_coords() if TEXT in self._data[n].attrs)

    @property
    def unit(self) -> str | None:
        """The coordinate that identifies the unit an answer speaks about."""
        return self._schema.unit

    @property
    def clusters(self) -> tuple[str, ...]:
        """The columns named as clusters."""
        return self._schema.clusters

    @property
    def levels(self) -> dict[str, tuple]:
        """What each categorical column can take, in order."""
        return dict(self._schema.levels)

    @property
    def ordered(self) -> tuple[str, ...]:
        """The categorical columns whose order of levels means something."""
        return self._schema.ordered

    @property
    def provenance(self) -> dict[str, Any]:
        """A copy of where the answers come from."""
        return copy.deepcopy(self._schema.provenance)

    @property
    def sources(self) -> tuple[str, ...]:
        """Who answered, in order of appearance; empty where nobody is named."""
        if "source" not in self._data.coords:
            return ()
        return tuple(dict.fromkeys(self._data["source"].values.tolist()))

    def __getitem__(self, key: object) -> NoReturn:
        """Refuse to be indexed as a Dataset or an array is, and say what there is instead."""
        name = f".column({key!r})" if isinstance(key, str) else ".isel(rows) or .sel(factor=value)"
        raise TypeError(
            f"{type(self).__name__} cannot be indexed, since it is neither a table nor an array:"
            f" use {name}, or .dataset for a plain copy."
        )

    def column(self, name: str) -> np.ndarray:
        """Return a copy of a column or coordinate.

        Parameters
        ----------
        name : str
            An outcome, covariate, factor, cluster or the unit.

        Returns
        -------
        numpy.ndarray
            Shape (answer,), or (answer, k) for a column with a second dim. Strings are an object
            array in which None is missing.

        Raises
        ------
        ColumnError
            If there is no such column.
        """
        known = [str(n) for n, v in self._data.variables.items() if v.dims[:1] == (ROWS,)]
        if name not in known:
            raise ColumnError(f"The answers have no column {name!r}.{did_you_mean(name, known)}")
        values = np.array(self._data[name].values)
        if values.dtype == object:
            # xarray turns None into NaN, and nobody expects a float among strings.
            values[is_missing(values)] = None
        return values

    def groups(self, by: str | None = None) -> dict[str, np.ndarray]:
        """Return which rows belong to each group.

        Parameters
        ----------
        by : str, optional
            A factor, cluster or the unit. Default: all rows are one group.

        Returns
        -------
        dict of str to numpy.ndarray
            Row positions of each group, in order of appearance. One group is named after the source
            if there is exactly one, and else ``"synthetic"``.

        Raises
        ------
        ColumnError
            If there is no such factor.

        Examples
        --------
        >>> import pandas as pd
        >>> from foundation_priors.synthetic import SyntheticData
        >>> frame = pd.DataFrame({"wage": [5.0, 6.0, 7.0], "framing": ["a", "b", "a"]})
        >>> SyntheticData.from_dataframe(frame, outcome="wage").groups("framing")
        {'a': array([0, 2]), 'b': array([1])}
        """
        if by is None or (by == "source" and not self.sources):
            name = self.sources[0] if len(self.sources) == 1 else "synthetic"
            return {name: np.arange(len(self))}
        known = self._row_coords()
        if by not in known:
            raise ColumnError(f"by={by!r} is no factor of these answers.{did_you_mean(by, known)}")
        codes, found = pd.factorize(self._data[by].values, use_na_sentinel=False)
        return {str(level): np.flatnonzero(codes == i) for i, level in enumerate(found)}

    def _row_coords(self) -> list[str]:
        return [str(n) for n, v in self._data.coords.items() if v.dims == (ROWS,) and n != WEIGHT]
