"""What drafting with heads of any kind costs on this machine."""

from engine.heads.attached import Attached
from engine.heads.feature_head import FeatureHead
from engine.heads.guess_cost import guess_cost_of
from engine.heads.step_cost import step_cost_of


def measure_heads(attached: Attached) -> None:
    """Measure it now, once in a process, so that the first run need not."""
    is_feature_head = isinstance(attached.head, FeatureHead)
    (step_cost_of if is_feature_head else guess_cost_of)(attached)
