"""One variant from reports to registry: find its images, look, plan; and execute that very plan."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bakehouse.model.publish import Publish
from bakehouse.publish.attestations import BuilderIdentity
from bakehouse.publish.candidates import Variant
from bakehouse.publish.execute import Executor
from bakehouse.publish.facts import Facts
from bakehouse.publish.looking import Looker
from bakehouse.publish.plan import PublishRequest, VariantPlan, plan
from bakehouse.publish.reading import variant_state
from bakehouse.publish.signing import Signer, Verifier
from bakehouse.publish.sources import Images, prepare
from bakehouse.registry.store import Source, Store


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedPublication:
    plan: VariantPlan
    executor: Executor

    def execute(self) -> None:
        """Raises RegistryError; the next run goes on."""
        self.executor.execute(self.plan.steps)


@dataclass(frozen=True, kw_only=True, slots=True)
class Publisher:
    policy: Publish
    target: Store
    staging: Store | None
    images: Images
    looker: Looker
    signer: Signer | None
    key: Verifier | None
    """What earlier signatures are checked with."""
    builder: BuilderIdentity
    now: datetime
    say: Callable[[str], None]

    def plan(self, variant: Variant, channel: str | None) -> PlannedPublication:
        """Nothing is written. Raises InputError, RegistryError."""
        stores: list[Source] = [self.staging] if self.staging else []
        found = {one.digest: self.images.find(one, [*stores, self.target]) for one in variant.candidates}
        request = PublishRequest(
            variant=variant,
            images=tuple(prepare(one, found[one.digest]) for one in variant.candidates),
            policy=self.policy,
            channel=channel,
            name=self.target.name,
            has_staging=self.staging is not None,
            facts=self._facts(variant, found) if channel else {},
            builder=self.builder,
            time=self.now,
        )
        state = variant_state(request, target=self.target, staging=self.staging, key=self.key)
        executor = Executor(target=self.target, staging=self.staging, images=found, signer=self.signer, say=self.say)
        return PlannedPublication(plan=plan(request, state), executor=executor)

    def _facts(self, variant: Variant, found: dict[str, Source]) -> dict[str, Facts]:
        return {one.digest: self.looker.facts(one, found[one.digest]) for one in variant.candidates}
