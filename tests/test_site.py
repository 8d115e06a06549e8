"""The pages as a site: every link leads somewhere, and every page is in the navigation."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
QUIET = {"NO_MKDOCS_2_WARNING": "1"}  # an advertisement of its theme's successor


def build(root: Path, site: Path) -> subprocess.CompletedProcess[str]:
    """As `make docs` does. Without --quiet, which would hush up what --strict counts."""
    command = [sys.executable, "-W", "ignore", "-m", "mkdocs", "build", "--strict"]
    return subprocess.run(
        [*command, "--site-dir", str(site)],
        cwd=root,
        env={**os.environ, **QUIET},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    built = build(ROOT, tmp_path)
    assert built.returncode == 0, built.stderr
    page = (tmp_path / "errors" / "index.html").read_text("utf-8")
    assert "bridge/errors.py" in page
    assert not re.search(r'href="[^"]*bridge/errors\.py', page)  # nothing is behind it on a site


def test_a_link_that_leads_nowhere_is_noticed(tmp_path: Path) -> None:
    for name in ("docs", "tools"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "mkdocs.yml", tmp_path)
    with (tmp_path / "docs" / "index.md").open("a", encoding="utf-8") as page:
        page.write("\n[somewhere](nowhere.md)\n")
    built = build(tmp_path, tmp_path / "site")
    assert built.returncode != 0
    assert "nowhere.md" in built.stderr


def test_the_site_fetches_nothing_from_elsewhere() -> None:
    config = (ROOT / "mkdocs.yml").read_text("utf-8")
    assert re.search(r"^  font: false", config, re.MULTILINE)


def test_every_page_is_in_the_navigation_and_in_the_index() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text("utf-8")
    index = (ROOT / "docs" / "index.md").read_text("utf-8")
    pages = {str(page.relative_to(ROOT / "docs")) for page in (ROOT / "docs").rglob("*.md")}
    assert {page for page in pages if f": {page}\n" not in navigation} == set()
    top = {page for page in pages if "/" not in page} - {"index.md"}
    assert {page for page in top if f"]({page})" not in index} == set()
