"""What the model may be used for in a day."""

from storefront.config import Budget


def may_ask(budget: Budget, priced: bool, used: tuple[int, int], value: int, worth_asking_above: int | None) -> bool:
    """Whether one more call is within the day's budget.

    `used` is today's (tokens, cost in millionths). Past the soft limit only a cart whose `value` (minor units) is above
    `worth_asking_above` is; past the hard one none. A budget in money allows nothing of a model without a price.
    """
    if not (priced or budget.in_tokens):
        return False
    spent = used[0] if budget.in_tokens else used[1]
    if spent >= budget.hard:
        return False
    return spent < budget.soft or (worth_asking_above is not None and value > worth_asking_above)
