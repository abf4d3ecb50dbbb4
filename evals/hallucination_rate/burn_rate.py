"""How fast the error budget of the objective is spent, and from when on that is worth a page or a ticket.

The objective allows a share of answers with unsupported content (5% unless set). Burn rate = corrected rate /
objective; at 1 the budget of the period lasts just the period. An alert asks for the burn rate over a long window, so
that it means something, and over a short one, so that it ends soon after the trouble does (multiwindow, multi-burn-rate
alerts: "Alerting on SLOs", The Site Reliability Workbook, chapter 5, 2018, from whose table 5-8 windows and burn rates
are).

**In PromQL**, from counters of checked answers and of flagged ones and gauges of sensitivity and specificity, over a
window W (Rogan and Gladen, 1978; never the raw share of flags):

    rate = clamp((sum(increase(flagged[W])) / sum(increase(answers[W])) + specificity - 1)
                 / (sensitivity + specificity - 1), 0, 1)
    burn = rate / objective

and an alert for burn rate B fires when, over both of its windows, burn > B and sum(increase(answers[W])) >= N, where N
is `least_answers`: with fewer answers the share of flags is too noisy for the alert to mean anything. Since the rate is
at most 1, burn rates of 1 / objective and more cannot be seen: with an objective above 1 / 14.4 = 6.9% the first alert
of `ALERTS` never fires. An alert is a quick estimate from flags and counts; whether the objective is missed with
certainty is what `sequential_monitor` says.
"""

from __future__ import annotations

import dataclasses
import math
from statistics import NormalDist
from typing import Literal

DEFAULT_OBJECTIVE = 0.05
FALSE_ALARM = 0.001
"""The chance that one window of an alert passes its burn rate while the rate is at the objective."""
_FEWEST = 50


@dataclasses.dataclass(frozen=True, slots=True)
class BurnAlert:
    """Fires when the burn rate is above `burn` over both windows (hours). `budget` is what the long one then spent.

    That is the share of the error budget of 30 days.
    """

    severity: Literal["page", "ticket"]
    burn: float
    long_hours: float
    short_hours: float

    @property
    def budget(self) -> float:
        return self.burn * self.long_hours / (30 * 24)


ALERTS = (
    BurnAlert("page", 14.4, 1, 1 / 12),
    BurnAlert("page", 6, 6, 0.5),
    BurnAlert("ticket", 3, 24, 2),
    BurnAlert("ticket", 1, 72, 6),
)


def burn_rate(rate: float, objective: float = DEFAULT_OBJECTIVE) -> float:
    """How many times faster than allowed the budget is spent."""
    if not 0 < objective < 1:
        raise ValueError("the objective must be between 0 and 1")
    return rate / objective


def flagged_share(rate: float, sensitivity: float, specificity: float) -> float:
    """The share of flags at a rate."""
    return rate * sensitivity + (1 - rate) * (1 - specificity)


def least_answers(
    burn: float, sensitivity: float, specificity: float, objective: float = DEFAULT_OBJECTIVE
) -> int | None:
    """How many answers a window needs for an alert at this burn rate to mean something; 50 at least.

    So many that, while the rate is at the objective, the corrected rate passes `burn` with a chance of `FALSE_ALARM` at
    most (normal approximation with continuity correction). At the objective itself half of all windows pass a burn rate
    of 1, so that one is computed as 1.2. `None`: no number is enough, because the checker is no better than chance, or
    because the rate cannot come so high.
    """
    burn = max(burn, 1.2)
    if sensitivity + specificity <= 1 or burn * objective > 1:
        return None
    share = flagged_share(objective, sensitivity, specificity)
    distance = flagged_share(burn * objective, sensitivity, specificity) - share
    spread = NormalDist().inv_cdf(1 - FALSE_ALARM) * math.sqrt(share * (1 - share))
    # n distance - 1/2 >= spread sqrt(n)
    root = (spread + math.sqrt(spread**2 + 2 * distance)) / (2 * distance)
    return max(_FEWEST, math.ceil(root**2))
