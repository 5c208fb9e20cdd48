"""Studies that pair real data with what a language model answered.

>>> from foundation_priors import datasets
>>> datasets.available()
('anes96', 'modechoice', 'refine', 'returns', 'wages')
>>> len(datasets.load("anes96").synthetic)
540
"""

from foundation_priors.datasets.journals import journal, journals
from foundation_priors.datasets.registry import available, load
from foundation_priors.datasets.study import Study

__all__ = ["Study", "available", "journal", "journals", "load"]
