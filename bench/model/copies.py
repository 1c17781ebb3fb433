"""Which arms of a plan are another one again, and which cannot run beside each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.model.plan import Arm, Plan


def mark_copies(plan: Plan) -> Plan:
    """The plan with `copy_of` in each arm that is equal to an earlier one, the baseline first.

    Equal are server, folder, address, environment and, once it is known, the build. This is asked
    when a plan is made, and of plans on disk that are older than `copy_of`; everything else reads
    what the plan says.
    """
    first: dict[tuple[object, ...], str] = {}
    for arm in sorted(plan.arms, key=lambda arm: arm.name != plan.baseline):
        first.setdefault(_identity(arm), arm.name)
    originals = [first[_identity(arm)] for arm in plan.arms]
    arms = tuple(
        arm.replace(copy_of=None if name == arm.name else name)
        for arm, name in zip(plan.arms, originals, strict=True)
    )
    return plan.replace(arms=arms)


def sharing_port(plan: Plan) -> tuple[str, ...]:
    """Names of the arms whose one port another arm, the baseline's copy included, needs too."""
    ports = [arm.config.port for arm in plan.arms if arm.config.port is not None]
    wanted = {port for port in ports if ports.count(port) > 1 or plan.design == "duet"}
    return tuple(arm.name for arm in plan.arms if arm.config.port in wanted)


def known_copies(plan: Plan) -> Plan:
    """A plan from disk: as it is where it says what is a copy, marked where it is too old to."""
    said = any("copy_of" in arm.model_fields_set for arm in plan.arms)
    return plan if said else mark_copies(plan)


def _identity(arm: Arm) -> tuple[object, ...]:
    own = arm.url, arm.hash, arm.protocol
    return arm.server, arm.folder, *own, tuple(sorted(arm.env.items()))
