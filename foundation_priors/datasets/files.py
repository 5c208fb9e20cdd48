"""The packaged tables.

Every table is CSV in UTF-8, packed with ``gzip.compress(text, 9, mtime=0)``, so that equal contents
give equal bytes. Real tables carry the number of the profile that a prompt describes (-1: in no
prompt). The JSON lines of all conversations of a study are one table of answers, and its prompts
are one table of texts.
"""

import gzip
import hashlib
import io
from importlib import resources

import pandas as pd

__all__ = ["CHECKSUMS", "table"]

CHECKSUMS = {
    "anes96": "f77fa33a3c5c112547968a06c96541695b5c2b04c40e840ea58c7b7daf821506",
    "anes96_answers": "98e8f4ece3c9022eb4164b379381f10fffcd5fc8a947fd0af9181d06e652fe20",
    "anes96_prompts": "eb27d1a7317bfad924e87eb1e5ad898f277f944e56de43dbc0824fb57775bc51",
    "card": "fe902e5e92e1da470c1f19f8f357da362d5866b0f7b8114bad0edd66be7f262c",
    "modechoice": "314f2d13ba70925b501ba7d518bff2500c51d80cc5c0da5d0d8edc2f5a632647",
    "modechoice_answers": "b1da234915a1e49a4094dbb1ab5abed3672924c22dbfcca9a1ee62fbd06250b1",
    "modechoice_prompts": "3795cd985ebcb9591b0aa826a173038e816c1e461b571649e89d60a486ecbc31",
    "refine_answers": "78d3d0ae4eb88e2eb7859c94af7c4942e080ab275b752a962ed0901a9939be5c",
    "refine_prompts": "83ea87bb16f54c7f2ca83ea9f2aa23dee31d9c183ce602455d9df6b7e9bcb78e",
    "returns_answers": "7e86a65b801b40e2b00385dda3b724cec5c361378b56db9a149447d1dfb1c83e",
    "returns_prompts": "7c265806b20f428962958e4658cfe4aeedc251e78d6c8ca191a55445bc6de15c",
    "wages_answers": "47b749318e635c04e95cc35bfa8a876474478cfdd03fd0239213435dd764fccb",
    "wages_prompts": "19b1893f47ba49ecf58d158f7ce413696b4585bbd2874f05c923b7d7cf56e90e",
}


def table(name: str) -> pd.DataFrame:
    """Read one packaged table.

    Parameters
    ----------
    name : str
        A key of `CHECKSUMS`.

    Returns
    -------
    pandas.DataFrame
        As it was packed.

    Raises
    ------
    OSError
        If the file is not the one that was packed.

    Examples
    --------
    >>> table("anes96").shape
    (944, 11)
    """
    packed = resources.files("foundation_priors.datasets").joinpath(f"data/{name}.csv.gz")
    blob = packed.read_bytes()
    if hashlib.sha256(blob).hexdigest() != CHECKSUMS[name]:
        raise OSError(f"The packaged table {name!r} is damaged: install foundation_priors again.")
    return pd.read_csv(io.BytesIO(gzip.decompress(blob)))
