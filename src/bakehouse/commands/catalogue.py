"""`catalogue`: draw what channels name as catalogue.json and as a page that opens offline."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from bakehouse.config.load import Project
from bakehouse.errors import ExitCode
from bakehouse.formatting import count
from bakehouse.model.image_catalogue import ImageCatalogue, as_json
from bakehouse.pipeline.context import Context
from bakehouse.pipeline.project import open_project
from bakehouse.publish.catalogue import Collector
from bakehouse.publish.keys import chosen_verifier
from bakehouse.publish.place import open_place
from bakehouse.publish.roots import roots
from bakehouse.reporters.html import catalogue as page
from bakehouse.system import atomic_write

FILE, PAGE = "catalogue.json", "index.html"


def write_catalogue(context: Context, folder: Path, *, to: str | None) -> ExitCode:
    """Ends with 4 where a repository could not be read: the catalogue says which, and holds the others."""
    project, _ = open_project(context.root)
    found = collected(context, project, to=to)
    atomic_write.write(folder / FILE, json.dumps(as_json(found), indent=1) + "\n")
    atomic_write.write(folder / PAGE, page.render(found))
    context.say(f"wrote {folder / PAGE} and {FILE}: {count(len(found.images), 'image')}")
    for words in found.unread:
        context.say(words)
    return ExitCode.INFRASTRUCTURE if found.unread else ExitCode.OK


def collected(context: Context, project: Project, *, to: str | None = None) -> ImageCatalogue:
    """Of every recipe of the matrix. Raises InputError and InfrastructureError."""
    matrix = project.world.matrix
    policy = matrix.publish
    key = chosen_verifier(context.environ, context.cache, policy.signing, root=context.root)
    with open_place(context, policy, to=to, recipes=sorted(project.world.recipes)) as place:
        collector = Collector(
            policy=policy,
            matrix=matrix,
            key=key,
            roots=roots(context.root, context.reports),
            now=datetime.now(UTC),
        )
        title = (policy.repository or "this machine's registry").replace("/{recipe}", "")
        return collector.collect({recipe: place.stores(recipe) for recipe in place.recipes}, title=title)
