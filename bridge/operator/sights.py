"""What is wrong with an agent at Coze, and what to do about it. Pure.

`check` and `vars sync` say it in the same words, and a running bridge says their first half.
"""

from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from bridge.config import AgentSettings, CozeSettings
from bridge.config.sources import did_you_mean
from bridge.coze.examine import Keyword, Sight
from bridge.errors import BridgeError, Exhausted, Gone, RateLimited, Transient, Unauthorised
from bridge.operator import paper
from bridge.platform import Finding
from bridge.store.variables import Refusal

_NOT_PUBLISHED = frozenset({4015, 702242002, 6031})
_NOT_OURS = frozenset({4006, 4200, 702242003})
_REGIONS = {"coze.cn": "https://api.coze.com", "coze.com": "https://api.coze.cn"}


def of_agent(
    name: str, its: AgentSettings, sight: Sight, refused: Mapping[str, Refusal]
) -> Iterator[Finding]:
    """What there is to say of an agent that Coze shows. refused: of its variables, ever."""
    key = f"agents.{name}"
    if not sight.may_read:
        text = "the token may not read agents, so nobody can see whether this one is published"
        yield Finding("note", f"{key}: {text}; give the token the permission to read agents")
    else:
        version = f", version {sight.version}" if sight.version else ""
        yield Finding("ok", f"{key}: {sight.name or 'there'}{version}")
    told: set[str] = set()
    for keyword in its.variables:
        if sight.keywords is not None and (wrong := _missing(keyword, sight.keywords)):
            told.add(keyword)
            yield Finding("wrong", f"{key}.variables.{keyword}: {wrong}")
    for keyword in sorted(set(its.variables) & set(refused) - told):
        yield Finding("wrong", f"{key}.variables.{keyword}: {_refused(refused[keyword])}")
    if its.variables and sight.owner and sight.token_of not in ("", sight.owner):
        yield Finding("note", f"{key}.variables: {_ANOTHERS.format(sight)}")


_ANOTHERS = (
    "the agent belongs to {0.owner} at Coze, the token to {0.token_of}: values that were set with "
    "its owner's token, or at Coze itself, are not seen; use a token of the owner if that matters"
)


def of_error(name: str, its: AgentSettings, error: BridgeError, coze: CozeSettings) -> Finding:
    """What to do about an agent that Coze does not show."""
    if isinstance(error, Unauthorised):
        key = "coze.oauth" if coze.oauth else "coze.token"
        return Finding("wrong", f"{key}: {error}; {_another_key(coze)}")
    if isinstance(error, RateLimited):
        return Finding("note", f"agents.{name}: {error}, so nobody could see; check again later")
    if isinstance(error, Transient):
        cure = f"is coze.base_url right ({coze.base_url}), and may this machine reach it?"
        return Finding("wrong", f"agents.{name}: {error}; {cure}")
    return Finding("wrong", f"agents.{name}: {error}{_cure(its, error)}")


def once(findings: list[Finding]) -> list[Finding]:
    """Tell of one key, such as the token that all agents share, only once."""
    seen: set[str] = set()
    kept = []
    for finding in findings:
        key = finding.text.partition(":")[0]
        if finding.verdict == "wrong" and key.startswith("coze."):
            if key in seen:
                continue
            seen.add(key)
        kept.append(finding)
    return kept


def _cure(its: AgentSettings, error: BridgeError) -> str:
    kind = "workflow_id" if its.workflow_id else "bot_id"
    if error.code in _NOT_PUBLISHED:
        return "; publish it at Coze, to the channel API"
    if error.code in _NOT_OURS or isinstance(error, Gone):
        where = "it stands in the address of its page"
        return f"; is {kind} right ({where}), and is it in a workspace the token may use?"
    if isinstance(error, Exhausted):
        return "; buy more at Coze, or wait for the next day"
    return "" if error.code is None else f"; is {kind} right?"


def _another_key(coze: CozeSettings) -> str:
    if coze.oauth:
        cure = "are client_id, public_key_id and the key those of one OAuth app, with permissions?"
    else:
        cure = "make a new one at Coze, under Personal Access Tokens, with chat permissions"
    host = urlsplit(coze.base_url).hostname or ""
    other = next((url for end, url in _REGIONS.items() if host.endswith(end)), "")
    return f"{cure}; if it is of the other region, base_url is {other}" if other else cure


def _missing(keyword: str, keywords: Mapping[str, Keyword]) -> str:
    """Why Coze will not take a variable; empty if it may."""
    found = keywords.get(keyword)
    if found is None:
        near = did_you_mean(keyword, keywords)
        return f"the agent has no such variable{near}; make it at Coze and publish, or drop it here"
    if not found.ours:
        return "this variable is Coze's own and cannot be set; drop it here"
    if not found.enabled:
        return "switched off in the agent; switch it on at Coze and publish, or drop it here"
    return ""


def _refused(refusal: Refusal) -> str:
    again = "`coze-bridge vars sync --again` tries it again"
    return f"Coze refused it on {paper.local(refusal.at)}: {refusal.reason}; {again}"
