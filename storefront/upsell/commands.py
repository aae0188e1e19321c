"""`flask --app storefront upsell …`: what operators do with suggestions."""

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal

import click

from storefront.commands import CommandGroup
from storefront.config import Settings
from storefront.db.tenancy import execute
from storefront.db.tenant_context import tenant_context
from storefront.state import current_state
from storefront.tenants.registry import set_upsell_enabled
from storefront.tenants.settings import TenantSettings
from storefront.upsell.complement_generation import (
    estimate_cost,
    generate_complements,
    offline_client,
    products_to_generate,
)
from storefront.upsell.experiment.commands import no_such_shop, print_report, selected_shops, table
from storefront.upsell.llm.batch import estimate_batch_cost, prompt_text
from storefront.upsell.llm.client import LlmClient
from storefront.upsell.llm.outcomes import LlmOutcome
from storefront.upsell.merchandising import record_switch
from storefront.upsell.model_evaluation import ask_model, backtest_tasks
from storefront.upsell.recommender.evaluation.backtest import MIN_ORDERS, Backtest, Metrics
from storefront.upsell.recommender.evaluation.replay_state import count_orders
from storefront.upsell.recommender.queries import SELECT_TRAINING_STATE
from storefront.upsell.recommender.training import count_training_events, retrain

commands = CommandGroup("upsell", help="Suggestions at checkout.")
commands.add_command(print_report)
tenant_option = click.option("--tenant", "tenant_id", help="only this shop")
yes_option = click.option("--yes", is_flag=True, help="don't ask before the model is paid")


@commands.command("on")
@click.option("--tenant", help="only this shop")
def turn_on(tenant: str | None) -> None:
    """Suggest, from now on, in all shops or in one."""
    switch(True, tenant)


@commands.command("off")
@click.option("--tenant", help="only this shop")
def turn_off(tenant: str | None) -> None:
    """Suggest nothing, from now on, in all shops or in one."""
    switch(False, tenant)


def switch(enabled: bool, tenant: str | None) -> None:
    check_not_disabled("Set it to true and restart the shop; then suggestions can be switched while it runs.")
    try:
        before = set_upsell_enabled(enabled, tenant)
    except KeyError:
        raise no_such_shop(tenant) from None
    for tenant_id, was_enabled in before.items():
        record_switch(tenant_id, was_enabled, enabled)
    click.echo(f"Suggestions are {'on' if enabled else 'off'} {f'in {tenant}' if tenant else 'in all shops'}.")
    if enabled and not settings().upsell_enabled:
        click.echo("They are shown where the shop runs with UPSELL_ENABLED=true; this shell doesn't set it.", err=True)


@commands.command("rebuild")
@tenant_option
def rebuild_command(tenant_id: str | None) -> None:
    """Learn anew from all orders what goes together."""
    for shop in selected_shops(tenant_id):
        with tenant_context(shop.id):
            with progress_bar(f"Learning the orders of {shop.id}", count_training_events()) as step:
                events = retrain(step)
            state = execute(SELECT_TRAINING_STATE).one()
        click.echo(f"{shop.id}: {pluralize(state.order_count, 'order')} learned, from {pluralize(events, 'event')}.")


@commands.command("evaluate")
@tenant_option
@click.option("--model", "with_model", is_flag=True, help="ask the model too, which costs money")
@click.option("--orders", type=click.IntRange(1, 100_000), default=200, show_default=True, help="carts for the model")
@yes_option
def evaluate_command(tenant_id: str | None, with_model: bool, orders: int, yes: bool) -> None:
    """Replay the orders that stand: how often would each method have suggested what was bought besides?"""
    shops = selected_shops(tenant_id)
    if with_model:
        check_model()
    for shop in shops:
        with tenant_context(shop.id):
            evaluate_shop(shop, orders if with_model else 0, yes)


def evaluate_shop(shop: TenantSettings, model_carts: int, yes: bool) -> None:
    replay = Backtest(shop, model_carts)
    with progress_bar(f"Replaying the orders of {shop.id}", count_orders()) as step:
        replay.run(step)
    if replay.carts < MIN_ORDERS:
        orders = pluralize(replay.carts, "order")
        click.echo(f"{shop.id}: {orders} to learn from: too few to say anything. About {MIN_ORDERS} are the least.")
        return
    click.echo(f"{shop.id}: {pluralize(replay.carts, 'cart')}, one product held out of each, three suggested.")
    print_scores(replay.scores, len(replay.numbers))
    if model_carts:
        evaluate_model(shop, replay, yes)


def evaluate_model(shop: TenantSettings, replay: Backtest, yes: bool) -> None:
    """Let the model choose for the latest carts, once its cost was agreed to."""
    tasks = backtest_tasks(replay, shop.default_language)
    with closing_client(LlmClient(settings())) as model:
        cost = estimate_batch_cost(model, [prompt_text(task) for task in tasks], len(tasks))
        if not tasks or not confirm_cost(
            f"The model is asked about the latest {pluralize(len(tasks), 'cart')}", cost, yes
        ):
            return
        with progress_bar(f"Asking about {shop.id}", len(tasks)) as step:
            batch, scores = ask_model(model, shop, replay, tasks, step)
    click.echo(f"The latest {pluralize(len(tasks), 'cart')}, with {model.name}:")
    print_scores(scores, len(replay.numbers))
    failed = batch.outcomes - Counter({LlmOutcome.OK: batch.outcomes[LlmOutcome.OK]})
    failed["not_asked"] += len(tasks) - batch.outcomes.total()
    if failed.total():
        click.echo(f"Without an answer: {failed.total()} ({format_counts(failed)}); the rules' choice counts there.")
    click.echo(f"Dropped from answers: {format_counts(batch.rejections) or 'nothing'}.")


@commands.command("prepare")
@tenant_option
@click.option("--limit", type=click.IntRange(1), help="at most this number of products of each shop")
@yes_option
def prepare_command(tenant_id: str | None, limit: int | None, yes: bool) -> None:
    """Have the model write down, once for each product, what completes it."""
    shops = selected_shops(tenant_id)
    check_not_disabled("Nothing that is prepared would be shown. To prepare all the same, set it to true here.")
    check_model()
    for shop in shops:
        with tenant_context(shop.id):
            prepare_shop(shop, limit, yes)


def prepare_shop(shop: TenantSettings, limit: int | None, yes: bool) -> None:
    waiting = products_to_generate(shop.default_language)
    numbers = waiting[:limit]
    if not numbers:
        click.echo(f"{shop.id}: every product is prepared.")
        return
    with closing_client(offline_client(settings())) as model:
        request = f"{shop.id}: the model is asked about {pluralize(len(numbers), 'product')}, once each"
        if not confirm_cost(request, estimate_cost(model, shop, numbers), yes):
            return
        with progress_bar(f"Preparing {shop.id}", len(numbers)) as step:
            batch = generate_complements(model, shop, numbers, step)
    done = batch.outcomes[LlmOutcome.OK]
    failed = format_counts(batch.outcomes - Counter({LlmOutcome.OK: done}))
    click.echo(
        f"{shop.id}: {pluralize(done, 'product')} prepared; "
        f"dropped from answers: {format_counts(batch.rejections) or 'nothing'}."
    )
    if failed:
        click.echo(f"Without an answer: {failed}.")
    if remaining := len(waiting) - done:
        reason = f", because {batch.stopped}" if batch.stopped else ""
        click.echo(f"{pluralize(remaining, 'product')} left for the next run{reason}.")


# --- shared by the commands -------------------------------------------------------------------------------------------


def settings() -> Settings:
    return current_state().settings


def check_not_disabled(what_to_do: str) -> None:
    if settings().upsell_disabled:
        raise click.ClickException(f"UPSELL_ENABLED is false, which turns suggestions off everywhere. {what_to_do}")


def check_model() -> None:
    if not settings().model_configured:
        raise click.ClickException("There is no model: set OPENAI_API_KEY or OPENAI_BASE_URL, and UPSELL_MODEL.")


@contextmanager
def closing_client(model: LlmClient) -> Iterator[LlmClient]:
    try:
        yield model
    finally:
        model.close()


@contextmanager
def progress_bar(label: str, length: int) -> Iterator[Callable[[int], None]]:
    """A progress bar if standard error is a terminal."""
    is_terminal = sys.stderr.isatty()
    with click.progressbar(length=length, label=label, file=sys.stderr, hidden=not is_terminal) as bar:
        yield bar.update


def confirm_cost(request: str, cost: tuple[int, int | None], yes: bool) -> bool:
    """Print the estimated cost, and ask whether to continue unless `yes`."""
    tokens, micros = cost
    money = "no price of it is known to UPSELL_PRICES"
    if micros is not None:
        money = f"about {Decimal(micros).scaleb(-6):,.4f} {settings().upsell_currency}"
    click.echo(f"{request}: {settings().upsell_model}, about {tokens:,} tokens, {money}.")
    return yes or click.confirm("Go on?")


def print_scores(scores: Mapping[str, Metrics], products: int) -> None:
    rows = [
        [
            name,
            f"{score.carts:,}",
            f"{score.hit_rate:.1%} ± {score.error:.1%}",
            f"{score.mean_reciprocal:.3f}",
            f"{len(score.suggested) / max(products, 1):.1%}",
        ]
        for name, score in scores.items()
    ]
    click.echo("\n".join(["", *table(("method", "carts", "hit@3", "MRR@3", "coverage"), rows), ""]))


def pluralize(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def format_counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {number:,}" for name, number in sorted(counts.items()) if number)
