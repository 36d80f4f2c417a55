"""Fills the HTML pages of reports: one self-contained file each, nothing to fetch and nothing to run."""

from collections.abc import Mapping
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from idv.evaluation.reports import wording


def filled(template: str, values: Mapping[str, Any], *, package: str = "idv.evaluation.reports") -> str:
    """The page that a template of `package` makes of the values; text is escaped, charts are not."""
    loaders = [PackageLoader(name, "") for name in dict.fromkeys((package, "idv.evaluation.reports"))]
    environment = Environment(
        loader=ChoiceLoader(loaders),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        percent=wording.percent,
        span=wording.span,
        figure_name=wording.figure_name,
        part_name=wording.part_name,
    )
    return environment.get_template(template).render(values)
