"""The profiles of a study: a table in a file of its own, or in the study's."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foundation_priors.cli.usage import UsageError

if TYPE_CHECKING:
    import pandas as pd

    from foundation_priors.cli.permits import Permits

__all__ = ["profiles_of"]

NAMES = "profile"  # the column that names the profiles
ZEROS = r"\s*[+-]?0\d+\s*"  # 01 is a code, and the number 1 another one
MARKS = ("NA", "N/A", "NaN", "nan", "null", "NULL", "None", ".", "-")


def profiles_of(given: object, folder: Path, permits: Permits) -> pd.DataFrame | None:
    """Return the profiles that a study names or holds.

    Parameters
    ----------
    given : str, dict, list or None
        The name of a file of comma-separated values (tabs where it ends in ``.tsv``), columns, or
        rows.
    folder : pathlib.Path
        Where the file is.
    permits : Permits
        Which files may be read.

    Returns
    -------
    pandas.DataFrame or None
        Shape (profile, column). The column ``profile``, if there is one, is the index.

    Raises
    ------
    UsageError
        If there is no such table.
    """
    import pandas as pd

    if given is None:
        return None
    if isinstance(given, str):
        return _named(_read(permits.file(folder, given, "profiles"), given))
    if isinstance(given, dict) and given and all(isinstance(v, list) for v in given.values()):
        sizes = {name: len(values) for name, values in given.items()}
        if len(set(sizes.values())) > 1:
            raise UsageError(f"The columns of [profiles] differ in length: {sizes}.")
        return _named(pd.DataFrame(given))
    if isinstance(given, list) and given and all(isinstance(row, dict) for row in given):
        return _named(pd.DataFrame(given))
    raise UsageError(
        'profiles must be the name of a file, "profiles.csv", a table [profiles] of columns, as'
        " age = [23, 41], or tables [[profiles]] of rows, as age = 23."
    )


def _read(path: Path, name: str) -> pd.DataFrame:
    import pandas as pd

    how: dict[str, Any] = {
        "sep": "\t" if path.suffix == ".tsv" else ",",
        "encoding": "utf-8-sig",
        "keep_default_na": False,  # "None" is a religion, "NA" Namibia
        "na_values": [""],
        "index_col": False,
    }
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            texts = pd.read_csv(path, dtype=str, **how)
            codes = [column for column in texts if texts[column].str.fullmatch(ZEROS).any()]
            frame = pd.read_csv(path, dtype={column: str for column in codes}, **how)
    except OSError as error:
        raise UsageError(f"The profiles {name!r} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise UsageError(f"The profiles {name!r} are not in UTF-8: save them as such.") from None
    except (ValueError, pd.errors.ParserWarning) as error:
        said = " ".join(str(error).split()).rstrip(".")
        raise UsageError(f"The profiles {name!r} are no table: {said}.") from None
    for column in set(frame) - set(codes):
        _no_marks(frame[column], name)
    return frame


def _no_marks(column: pd.Series, name: str) -> None:
    """Raise if words for what is missing made a column of numbers one of texts."""
    import pandas as pd

    if pd.api.types.infer_dtype(column, skipna=True) != "string":
        return
    marked = column.isin(MARKS)
    others = column[~marked & column.notna()]
    if marked.any() and len(others) and pd.to_numeric(others, errors="coerce").notna().all():
        mark = column[marked].iloc[0]
        raise UsageError(
            f"The column {column.name!r} of {name!r} holds {mark!r} among numbers:"
            " leave these profiles out, or fill them in."
        )


def _named(frame: pd.DataFrame) -> pd.DataFrame:
    if NAMES not in frame:
        return frame
    names = frame[NAMES]
    if names.isna().any():
        raise UsageError(f"The column {NAMES!r} names each profile, and is empty in some row.")
    if names.duplicated().any():
        twice = names[names.duplicated()].iloc[0]
        raise UsageError(f"The column {NAMES!r} names each profile, and names {twice!r} twice.")
    return frame.set_index(NAMES)
