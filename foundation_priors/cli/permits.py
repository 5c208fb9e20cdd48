"""What a study's file may do: which keys it may send where, and which files it may read."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from foundation_priors.cli.usage import NotAllowed, UsageError
from foundation_priors.display import visible
from foundation_priors.elicit.address import host_of, is_open, same_host
from foundation_priors.ordinary import refuse_holes

__all__ = ["Permits"]

OPENAI_KEY = "OPENAI_API_KEY"
OPENAI_HEADERS = "OPENAI_CUSTOM_HEADERS"  # the client sends them wherever no base_url is given
CONVENTION = re.compile(
    r"[A-Z_][A-Z0-9_]*"
)  # what is no such name may be a key, put there by mistake


@dataclass
class Permits:
    """What whoever runs a study allows it.

    A study may come from anybody. By itself it names a server, to which its prompts go, and files
    beneath its own folder. Keys and other files are allowed one by one.

    Parameters
    ----------
    keys : sequence of (str, str)
        Environment variables, and the host that each may be sent to.
    files : sequence of pathlib.Path
        Files, and folders of files, that it may read besides.
    sends : bool
        Whether anything will be sent; if not, no key is looked at.

    Attributes
    ----------
    wants : list of str
        What the study would send and read, a sentence each.
    reads : list of pathlib.Path
        The files that it reads.
    """

    keys: Sequence[tuple[str, str]] = ()
    files: Sequence[Path] = ()
    sends: bool = True
    wants: list[str] = field(default_factory=list)
    reads: list[Path] = field(default_factory=list)

    @classmethod
    def typed(cls, keys: Sequence[str], files: Sequence[str], sends: bool) -> Permits:
        """Return what was typed after ``--key`` and ``--file``.

        Parameters
        ----------
        keys : sequence of str
            Each as ``NAME=HOST``.
        files : sequence of str
            Paths.
        sends : bool
            Whether anything will be sent.

        Returns
        -------
        Permits
            It.

        Raises
        ------
        UsageError
            If a key is not so.
        """
        pairs = []
        for text in keys:
            name, _, host = (part.strip() for part in text.partition("="))
            if not name.isidentifier() or not host:
                raise UsageError(
                    "--key takes the name of an environment variable and the host that its key may"
                    " be sent to, as --key OPENAI_API_KEY=api.openai.com."
                )
            pairs.append((name, host))
        return cls(pairs, [Path(file) for file in files], sends)

    def file(self, folder: Path, name: str, where: str) -> Path:
        """Return the place of a file that a study names, links resolved.

        Parameters
        ----------
        folder : pathlib.Path
            The study's.
        name : str
            As the study names it.
        where : str
            What of the study names it.

        Returns
        -------
        pathlib.Path
            Beneath the folder, or allowed.

        Raises
        ------
        UsageError
            If it may not be read.
        """
        try:
            home, place = folder.resolve(), (folder / name).resolve()
            allowed = [path.resolve() for path in self.files]
            special = place.exists() and not place.is_file()
        except (OSError, RuntimeError, ValueError):
            raise NotAllowed(f"{where} = {name!r} is no name of a file.") from None
        inner = place.is_relative_to(home)
        inner = inner and not any(part[0] == "." for part in place.relative_to(home).parts)
        if not inner and not any(place.is_relative_to(path) for path in allowed):
            raise NotAllowed(
                f"{where} = {name!r} is hidden or outside of the study's folder: add"
                f" --file {shlex.quote(str(place))} if the study may read and send what it holds."
            )
        if special:
            raise NotAllowed(f"{where} = {name!r} is no ordinary file.")
        with suppress(OSError):  # opening it says what is wrong
            refuse_holes(place, NotAllowed)
        self.wants.append(f"Reads:     {place}")
        self.reads.append(place)
        return place

    def key(self, variable: str | None, address: str, where: str, named: bool) -> str | None:
        """Return the key that a model of a study asks for.

        Parameters
        ----------
        variable : str or None
            The environment variable that the study names.
        address : str
            The model's server.
        where : str
            The model's table in the study.
        named : bool
            Whether the study names the server. If not, the client sends what the environment holds
            for OpenAI.

        Returns
        -------
        str or None
            The key; None where nothing is sent, and where the client finds it by itself.

        Raises
        ------
        UsageError
            If it is not there, or may not be sent.
        """
        ambient = [] if named else [OPENAI_HEADERS] if variable else [OPENAI_KEY, OPENAI_HEADERS]
        needed = [name for name in ambient if os.environ.get(name)]
        for name in [*([variable] if variable else []), *needed]:
            self._confirm(name, address, where)
        if not variable and not needed:
            self.wants.append(f"Sends:     the prompts to {address} ({where}), and no key")
        if variable is None or not self.sends:
            return None
        return os.environ[variable].strip()

    def _confirm(self, variable: str, address: str, where: str) -> None:
        """See to it that a key may be sent to a server."""
        if is_open(address):
            raise NotAllowed(
                f"{where} would send a key over http to {host_of(address)}, where others can read"
                " it: give it an https address."
            )
        is_set, host = bool(os.environ.get(variable, "").strip()), host_of(address)
        allowed = any(name == variable and same_host(h, address) for name, h in self.keys)
        flag = f"--key {variable}={host}"
        if not self.sends:
            shown = variable if is_set or CONVENTION.fullmatch(variable) else "a variable"
            how = "allowed" if allowed else f"needs {flag}" if shown == variable else "not allowed"
            state = how if is_set else f"{how}; it is not set"
            self.wants.append(
                f"Sends:     the prompts to {address} ({where}), and the key in {shown} ({state})"
            )
        elif not is_set:
            shown = f" {variable}" if CONVENTION.fullmatch(variable) else ""
            raise NotAllowed(
                f"The environment variable{shown}, which {where} names as its api_key_env, is not"
                " set: set it to the key."
            )
        elif not allowed and not self._asked(variable, host):
            raise NotAllowed(
                f"{where} would send the key in {variable} to {host}: add {flag} if it may."
            )

    def _asked(self, variable: str, host: str) -> bool:
        """Ask who sits at the terminal, if anybody does."""
        if not sys.stdin or not sys.stdin.isatty():
            return False
        question = f"The study sends the key in {variable} to {host}. Is that right? [y/N] "
        print(visible(question), end="", file=sys.stderr, flush=True)
        agreed = sys.stdin.readline().strip().lower() in ("y", "yes")
        if agreed:
            self.keys = [*self.keys, (variable, host)]
        return agreed
