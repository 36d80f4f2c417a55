"""The command `idv`: every command group, one mapping of errors to exit codes."""

import sys

import typer
from rich.console import Console
from rich.markup import escape

from idv.cli import (
    audit,
    bench,
    config,
    demo,
    doctor,
    document,
    documents,
    evalset,
    keys,
    labels,
    models,
    monitor,
    policy,
    score,
    serve,
    tune,
    verify,
    webhooks,
)
from idv.domain.errors import (
    ConfigurationError,
    IdvError,
    IntegrityError,
    ModelError,
    RequestError,
)

_EXIT_CODES: tuple[tuple[type[IdvError], int], ...] = (
    (ConfigurationError, 2),
    (ModelError, 3),
    (IntegrityError, 4),
    (RequestError, 5),
    (IdvError, 6),
)

_HELP = (
    "Decide whether a person, a document and a capture session are genuine.\n\n"
    "Exit codes: 0 done (verify: accept), 1 unexpected, or doctor or demo found a fault, 2 wrong usage or "
    "configuration, 3 a model is missing or altered, 4 stored data is broken, 5 the input was refused, "
    "6 storage or capacity is missing; verify alone: 10 step_up, 11 review, 12 reject; "
    "document check alone: 10 inconclusive, 12 fail; documents test alone: 10 of no known type, "
    "12 of another than --type; documents capture alone: 10 a label was not found; "
    "bench compare alone: 20 the gate failed; monitor alone: 21 live traffic moved."
)

app = typer.Typer(
    name="idv",
    help=_HELP,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("verify")(verify.verify)
app.command("score")(score.score)
app.command("tune")(tune.tune_run)
app.command("serve")(serve.serve)
app.command("demo")(demo.demo)
app.command("doctor")(doctor.doctor)
app.add_typer(bench.app, name="bench")
app.add_typer(config.app, name="config")
app.add_typer(models.app, name="models")
app.add_typer(evalset.app, name="evalset")
app.add_typer(document.app, name="document")
app.add_typer(documents.app, name="documents")
app.add_typer(keys.app, name="keys")
app.add_typer(audit.app, name="audit")
app.add_typer(webhooks.app, name="webhooks")
app.add_typer(policy.app, name="policy")
app.add_typer(labels.app, name="labels")
app.command("monitor")(monitor.monitor)


def exit_code(error: IdvError) -> int:
    """The exit code of a failure: the first class in the table that it is one of."""
    return next(code for kind, code in _EXIT_CODES if isinstance(error, kind))


def main() -> None:
    """Run the command line; failures become one sentence on stderr and an exit code."""
    try:
        app()
    except IdvError as error:
        where = f" ({error.field})" if error.field else ""
        message = escape(f"{error.code}{where}: {error.message}")
        Console(stderr=True).print(f"[red]error[/red] {message}", highlight=False, soft_wrap=True)
        sys.exit(exit_code(error))
