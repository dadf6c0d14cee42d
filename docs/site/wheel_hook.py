"""Add the documentation to the wheel: every page as Markdown, and the HTML site if it was built before."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class DocumentationHook(BuildHookInterface[Any]):
    """A hatchling build hook. An editable install reads ``docs/`` itself and gets no copy."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Map the files into ``revrec/_docs``."""
        if version == "editable":
            return
        root = Path(self.root)
        for page in sorted((root / "docs").glob("*.md")):
            build_data["force_include"][str(page)] = f"revrec/_docs/{page.name}"
        if (root / "build" / "site" / "index.html").is_file():
            build_data["force_include"][str(root / "build" / "site")] = "revrec/_docs/site"
