"""The public class: a question, who is asked about, and which models answer."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from foundation_priors.elicit import checks
from foundation_priors.elicit.answers import AnswerSchema
from foundation_priors.elicit.collect import collect, draws_asked
from foundation_priors.elicit.design import Study
from foundation_priors.elicit.letters import ERROR
from foundation_priors.elicit.loops import run_anywhere
from foundation_priors.elicit.preview import Preview, preview_of
from foundation_priors.elicit.profiles import Profiles

if TYPE_CHECKING:
    import pandas as pd

    from foundation_priors.elicit.endpoint import Endpoint
    from foundation_priors.elicit.reread import Rules
    from foundation_priors.elicit.retry import Patience
    from foundation_priors.synthetic.container import SyntheticData

__all__ = ["Elicitation"]


class Elicitation:
    """A question to language models about a table of profiles.

    Parameters
    ----------
    prompt : str
        A template: ``{column}`` stands for a profile's value, ``{factor}`` for the text of its
        level, ``{field_options}`` for a field's options, ``{profile}`` for the profile's name, and
        ``{profiles}`` for the list of a call's profiles, worded by `line`. Other braces stay.
    answer : mapping of str to object, or pydantic model class
        What each field can be: a list of options, a range or a list of whole numbers, an
        `fp.Number`, an `fp.Text` or ``str`` (kept beside the answers), ``bool``. Fields become
        outcome columns.
    profiles : pandas.DataFrame, optional
        Shape (profile, column): one row a profile, its index their names. Default: one profile of
        which nothing is known.
    models : mapping of str to Endpoint
        Who is asked: names, which become the sources, and where each is.
    factors : mapping of str to mapping or list, optional
        Crossed with the profiles: the text of each level (or the levels). The factor
        ``option_order`` takes the levels ``"original"`` and ``"reversed"``.
    system : str, optional
        A template of the system's message.
    line : str, optional
        A template of one profile in the list ``{profiles}``. Default: all its columns.
    instructions : str, optional
        A template of the words that ask for the form of the answer, in which ``{answer_form}``
        stands for it. They stand where the prompt says ``{instructions}``, or at its end. Default:
        words in English.
    settings : mapping, optional
        Of sampling, as Chat Completions takes them: ``temperature``, ``max_tokens``, ...
    per_call : int, optional
        Profiles in one call. Of more than one, a call is a cluster, ``conversation``.
    shuffle_options : bool, optional
        Whether each call shows options in an order of its own (ordered ones in either direction),
        which the coordinate ``option_order`` records.
    probabilities : bool or str, optional
        Whether to read the options' probabilities from the log-probabilities of one token, a
        letter, of the only field. Then each answer has one row for each option, with its chance in
        the coordinate ``probability``. The setting ``top_logprobs`` says how many tokens are asked
        for, by default 20.
    probability_error : float, optional
        The most by which such a probability may be off, since servers list only the most likely
        tokens. An answer in which it may be more is rejected.
    random_seed : int, optional
        Of the orders.

    Raises
    ------
    ValueError, TypeError
        If something is not as it must be, in one sentence.

    Examples
    --------
    >>> import pandas as pd, foundation_priors as fp
    >>> survey = fp.Elicitation(
    ...     "You are {age} and vote in 1996. {framing}",
    ...     answer={"vote": ["Clinton", "Dole"]},
    ...     profiles=pd.DataFrame({"age": [26, 71]}),
    ...     factors={"framing": {"short": "Whom for?", "long": "For whom do you vote, and why?"}},
    ...     models={"qwen3": fp.Endpoint("http://localhost:11434/v1")},
    ... )
    >>> survey.preview(draws=5).calls
    20
    """

    __slots__ = ("_study",)
    _study: Study

    def __init__(
        self,
        prompt: str,
        answer: Mapping[str, Any] | type,
        profiles: pd.DataFrame | None = None,
        *,
        models: Mapping[str, Endpoint],
        factors: Mapping[str, Mapping[str, str] | Sequence[str]] | None = None,
        system: str | None = None,
        line: str | None = None,
        instructions: str | None = None,
        settings: Mapping[str, Any] | None = None,
        per_call: int = 1,
        shuffle_options: bool = False,
        probabilities: bool | str = False,
        probability_error: float = ERROR,
        random_seed: int = 0,
    ) -> None:
        if not isinstance(shuffle_options, bool):
            raise TypeError(f"shuffle_options={shuffle_options!r} must be True or False.")
        if not isinstance(random_seed, int) or isinstance(random_seed, bool):
            raise TypeError(f"random_seed={random_seed!r} must be a whole number.")
        schema = AnswerSchema.of(answer)
        size = checks.checked_count("per_call", per_call)
        words = None if instructions is None else checks.checked_text("instructions", instructions)
        self._study = Study(
            prompt=checks.checked_text("prompt", prompt, empty=False),
            system=checks.checked_text("system", system),
            instructions=words,
            line=checks.checked_text("line", line),
            schema=schema,
            profiles=Profiles.of(profiles),
            factors=checks.checked_factors(factors),
            endpoints=checks.checked_models(models),
            settings=checks.checked_settings(settings),
            per_call=size,
            shuffle=shuffle_options,
            probabilities=checks.checked_field(probabilities, schema, size),
            random_seed=random_seed,
            probability_error=probability_error,
        )
        checks.check_listed(self._study)
        checks.check_names(self._study)
        checks.check_templates(self._study)

    def preview(self, draws: int = 1, budget: Mapping[str, float] | None = None) -> Preview:
        """Show example prompts, the number of calls and an estimate of the cost; ask nobody.

        Parameters
        ----------
        draws : int, optional
            Answers for each cell.
        budget : mapping of str to float, optional
            As for `run`.

        Returns
        -------
        Preview
            With notes on what looks like a mistake.
        """
        return preview_of(self._of(draws), budget)

    def run(
        self,
        journal: str | os.PathLike,
        draws: int = 1,
        *,
        budget: Mapping[str, float] | None = None,
        concurrency: int = 8,
        batch: bool = False,
        progress: bool = True,
        patience: Patience | None = None,
    ) -> SyntheticData:
        """Ask, keep every answer in the journal, and return all that it holds of this study.

        Parameters
        ----------
        journal : str or path
            A file of JSON lines, made if it isn't there. What it holds is not asked again.
        draws : int, optional
            Answers for each cell: profile, levels of the factors and model.
        budget : mapping of str to float, optional
            The most that this run may take, in ``"calls"``, ``"tokens"`` or ``"money"``; it ends
            before one of them is exceeded.
        concurrency : int, optional
            Requests under way at one server, at most.
        batch : bool, optional
            Whether to use the server's Batch API: cheaper, and done within a day.
        progress : bool, optional
            Whether to show a bar.
        patience : Patience, optional
            How often, and after which pauses, a server is asked again.

        Returns
        -------
        SyntheticData
            One row per answer, in the order of the design.

        Raises
        ------
        ElicitationError
            If a model cannot be asked, or no answer can be used.
        JournalError
            If the journal is in use or cannot be written.

        Warns
        -----
        IncompleteWarning
            If answers were rejected, or the budget ended the run.

        Notes
        -----
        Works where an event loop is running, too. Ctrl-C, or anything else that ends the program,
        leaves a journal with which the next call goes on.
        """
        study = self._of(draws)
        path = checks.checked_path(journal)
        stopped = run_anywhere(
            lambda: _ask(study, path, budget, concurrency, batch, progress, patience)
        )
        return collect(path, study, stopped)

    async def arun(
        self,
        journal: str | os.PathLike,
        draws: int = 1,
        *,
        budget: Mapping[str, float] | None = None,
        concurrency: int = 8,
        batch: bool = False,
        progress: bool = True,
        patience: Patience | None = None,
    ) -> SyntheticData:
        """Do what `run` does, in a coroutine.

        Parameters
        ----------
        journal, draws, budget, concurrency, batch, progress, patience
            As for `run`.

        Returns
        -------
        SyntheticData
            As of `run`.
        """
        study = self._of(draws)
        path = checks.checked_path(journal)
        stopped = await _ask(study, path, budget, concurrency, batch, progress, patience)
        return collect(path, study, stopped)

    def replay(
        self,
        journal: str | os.PathLike,
        draws: int | None = None,
        *,
        reading: Rules = "today",
    ) -> SyntheticData:
        """Rebuild the answers from a journal, offline.

        Parameters
        ----------
        journal : str or path
            What `run` wrote.
        draws : int, optional
            Answers for each cell. Default: as many as were last asked for.
        reading : str, optional
            ``"today"`` reads what the model wrote again, by the rules of this version;
            ``"stored"`` keeps what was made of it when it came.

        Returns
        -------
        SyntheticData
            Identical to what the run returned, but for answers that are read otherwise today.

        Raises
        ------
        JournalError
            If the file is missing or is no journal.
        ElicitationError
            If it holds no answer to this study.

        Warns
        -----
        RereadWarning
            If answers come out otherwise than they were recorded.
        """
        path = checks.checked_path(journal)
        study = self._of(draws_asked(path, self._study) if draws is None else draws)
        return collect(path, study, reading=reading)

    def _of(self, draws: int) -> Study:
        return dataclasses.replace(
            self._study, draws=checks.checked_count("draws", draws), _memo={}
        )

    def __repr__(self) -> str:
        """Say what is asked, of whom, about how many."""
        from foundation_priors.elicit.display import text

        return text(self._study)

    def _repr_html_(self) -> str:
        """Say the same in a notebook."""
        from foundation_priors.elicit.display import html

        return html(self._study)


async def _ask(
    study: Study,
    path: str,
    budget: Mapping[str, float] | None,
    concurrency: int,
    batch: bool,
    progress: bool,
    patience: Patience | None,
) -> str | None:
    """Ask what a journal does not hold, and return why it ended early."""
    from foundation_priors.elicit.ask import ask
    from foundation_priors.elicit.journal import Journal
    from foundation_priors.elicit.run import now

    checks.check_run(budget, concurrency, batch, progress)
    with Journal(path) as journal:
        if study.version not in journal.versions:
            head = study.record()
            journal.write({"kind": head.pop("kind"), **head, "time": now()})
        journal.write(
            {"kind": "run", "version": study.version, "draws": study.draws, "time": now()}
        )
        if batch:
            from foundation_priors.elicit.batch import ask_batch

            outcome = await ask_batch(
                study, journal, budget=budget, progress=progress, patience=patience
            )
        else:
            outcome = await ask(
                study,
                journal,
                budget=budget,
                concurrency=concurrency,
                progress=progress,
                patience=patience,
            )
        return outcome.stopped
