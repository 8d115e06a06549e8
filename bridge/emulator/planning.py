"""What a turn is going to say and do."""

import random
from base64 import b64encode
from dataclasses import replace

from bridge.emulator.answer import Answer, words
from bridge.emulator.cards import input_card, question_card, question_text
from bridge.emulator.emulator import Emulator
from bridge.emulator.scenario import Scenario
from bridge.emulator.script import Line, Plot, plot, with_card
from bridge.emulator.sound import hums, pcm
from bridge.emulator.state import Chat

_SOUND = 4800  # bytes of PCM: a tenth of a second


def plan_of(emulator: Emulator, chat: Chat, scenario: Scenario) -> Plot:
    """Hear the scenario, and the agent where that is silent."""
    silent = scenario.speaks or scenario.tools
    answer = Answer("") if silent else emulator.agent(chat.text, chat.memory)
    dice = random.Random(f"{emulator.seed} {chat.text}")
    plan = plot(scenario, answer, emulator.pace, dice)
    spoken_to = next((each.name for each in chat.memory.sent if each.kind == "audio"), "")
    if spoken_to:
        plan = replace(plan, sounds=_sounds(plan, spoken_to))
    return _asking(plan, chat, scenario, answer) if plan.asks else plan


def _sounds(plan: Plot, recording: str) -> tuple[str, ...]:
    """Speak as we were spoken to: packets of Opus, or PCM a tenth of a second at a time."""
    text = " ".join(line.whole for line in plan.lines)
    if not recording.lower().endswith(".wav"):
        return tuple(b64encode(packet).decode() for packet in hums(text))
    samples = pcm(text)
    return tuple(
        b64encode(samples[at : at + _SOUND]).decode() for at in range(0, len(samples), _SOUND)
    )


def _asking(plan: Plot, chat: Chat, scenario: Scenario, answer: Answer) -> Plot:
    """Put a question with options, or with fields, into a card, or into a text."""
    chat.question = "\n".join(line.whole for line in plan.lines)
    options = scenario.options or answer.options
    if scenario.fields and chat.cards:
        return with_card(plan, input_card(scenario.fields, workflow=chat.workflow))
    if not options:
        return plan
    if chat.cards:
        card = question_card(chat.question, options, workflow=chat.workflow)
        return with_card(plan, card)
    return replace(plan, lines=(Line(words(question_text(chat.question, options))),))
