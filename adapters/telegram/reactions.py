"""What a reaction to a message says of it. Pure."""

from enum import StrEnum

from bridge.foreign import Json, fields, items, text


class Opinion(StrEnum):
    """As the words after `/feedback`."""

    LIKE = "like"
    DISLIKE = "dislike"
    NONE = "none"


# Of the signs that anybody may use (https://core.telegram.org/bots/api#reactiontypeemoji), those
# that say whether something was good; a 🤔 or a 😱 may be about anything.
_LIKE = frozenset("👍❤🔥🥰👏😁🎉🤩🙏👌💯🏆😍😘🤗🫡🆒💘🤝")
_DISLIKE = frozenset("👎🤮💩🤬😡🖕🤡🥱")


def opinion(reaction: Json) -> Opinion | None:
    """What somebody thinks now; None if they never said, or think as before.

    reaction: https://core.telegram.org/bots/api#messagereactionupdated
    """
    before, now = _told(reaction.get("old_reaction")), _told(reaction.get("new_reaction"))
    return None if now is before else now


def _told(reactions: object) -> Opinion:
    for each in items(reactions):
        # "❤" comes with and without a mark that asks for colours, and "❤️‍🔥" begins with it.
        sign = text(fields(each).get("emoji"))[:1]
        if sign in _LIKE:
            return Opinion.LIKE
        if sign in _DISLIKE:
            return Opinion.DISLIKE
    return Opinion.NONE
