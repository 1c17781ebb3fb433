"""Makes the variants that a matrix names: each gets a folder of its own, as an arm of `ab` has."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from bench.errors import BuildError, ConfigError, UsageError
from bench.plans.arms import make_arm
from bench.plans.variant_checks import variant_error

if TYPE_CHECKING:
    from bench.model.config import Variant
    from bench.model.plan import Plan
    from bench.plans.arms import BuiltArms
    from bench.plans.matrix_files import MatrixFile
    from bench.plans.overrides import Overrides
    from bench.plans.project import Project


class Variants(NamedTuple):
    """A project with the variants of a matrix among its servers.

    Attributes:
        made: id of a variant's server -> what was made for it.
    """

    project: Project
    made: dict[str, BuiltArms]

    def marked(self, plan: Plan) -> Plan:
        """The plan with git's hashes in it; arms of equal content count as copies."""
        first: dict[tuple[object, ...], str] = {}
        arms = []
        for arm in plan.arms:
            one = self.made.get(arm.server)
            if one is None:
                arms.append(arm)
                continue
            server = first.setdefault((one.what, tuple(sorted(arm.env.items()))), arm.server)
            arms.append(arm.replace(server=server, source_hash=one.tree, version_of=one.origin))
        return plan.replace(arms=tuple(arms))


def with_variants(project: Project, matrix: MatrixFile, overrides: Overrides) -> Variants:
    """Make the variants of a matrix; checks out worktrees, builds nothing.

    The problems of a matrix are reported by `expand`, all together: here such a one is passed over.

    Raises:
        ConfigError: a variant cannot be made, with its line; or the server.yaml that it is made
            from is wrong.
    """
    variants = matrix.config.variants if matrix.config else []
    if any(variant.id not in project.servers for variant in variants):
        return Variants(project, {})
    made: dict[str, BuiltArms] = {}
    for index, variant in enumerate(variants):
        if variant.key and (not overrides.servers or variant.arm in overrides.servers):
            arm = _make(project, matrix, index, variant)
            made[variant.place] = arm._replace(origin=variant.id)
    files = {place: one.file for place, one in made.items()}
    project = project._replace(
        servers={**project.servers, **files},
        roots=(*project.roots, *(one.root for one in made.values())),
    )
    return Variants(project, made)


def _make(project: Project, matrix: MatrixFile, index: int, variant: Variant) -> BuiltArms:
    document = matrix.document
    if variant.place in project.servers:
        message = f"there is a server {variant.place} already"
        advice = "give the variant another name: as: NAME"
        raise variant_error(document, index, "id", message, advice)
    try:
        return make_arm(
            project,
            variant.id,
            ref=variant.ref,
            worktree=variant.worktree,
            dependency=variant.dependency,
        )
    except ConfigError:
        raise  # names file, line and key of the server.yaml itself
    except (UsageError, BuildError) as error:
        # The same words as on the command line, without its dashes.
        words = [re.sub(r"--(\w)", r"\1", text) for text in (error.message, error.advice)]
        raise variant_error(document, index, variant.key, *words) from error
