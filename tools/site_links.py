"""Links of the pages that lead out of docs/: on the site, there is nothing behind them.

MkDocs calls `on_page_markdown` for each page. Links become the name of the file, or lead to the
repository where `repo_url` says where that is.
"""

import posixpath
import re
from typing import Any

_LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(((?:\.\./)+[^)#\s]*)(#[^)\s]*)?\)")


def on_page_markdown(markdown: str, *, page: Any, config: Any, **_: Any) -> str:
    """Rewrite the links of one page."""
    folder = posixpath.dirname(f"docs/{page.file.src_uri}")
    repository = config.repo_url

    def rewritten(found: re.Match[str]) -> str:
        label, target, anchor = found.groups()
        path = posixpath.normpath(posixpath.join(folder, target))
        if path.startswith("docs/"):
            return found[0]
        if not repository:
            return label if label in {path, f"`{path}`"} else f"{label} (`{path}`)"
        return f"[{label}]({repository.rstrip('/')}/blob/main/{path}{anchor or ''})"

    return _LINK.sub(rewritten, markdown)
