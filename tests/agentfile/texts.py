"""Files of agents that have every field there is."""

PICTURE = b"\x89PNG\r\n\x1a\n and so on"

STANDARD = """\
# Every field of bot/update, in standard mode.
name = "每日学一菜"  # up to 20 characters
description = "每天教你一道菜的做法"
icon_file = "chef.png"
prompt_mode = "standard"
prompt_file = "default.prompt.md"
prologue = "欢迎你，{{user_name}}，今天想学一道什么样的菜？"
# What to ask first.
suggested_questions = [
    "川菜，我想吃辣的",  # hot
    # mild
    "广东菜，来点鲜的",
    "随机教我一道菜",
]
workflows = ["746049108611037"]
voice_calls = false

[[plugins]]  # one tool each
plugin_id = "731198934927553"
api_id = "735057536617362"

[[plugins]]
plugin_id = "731198934927553"
api_id = "735057536617363"

[knowledge]
dataset_ids = ["738509371792341", "738509371792342"]
auto_call = false
search_strategy = "hybrid"  # semantic | hybrid | full-text

[model]
model_id = "1706077826"
top_k = 50
top_p = 0.7
max_tokens = 4096
temperature = 1.0
sp_anti_leak = true
context_round = 30
response_format = "markdown"
sp_current_time = true
presence_penalty = 0.1
frequency_penalty = 0.2
cache_type = "closed"
api_mode = "chat_api"

[model.parameters]
thinking_type = "disabled"

[suggestions]
mode = "customized"
prompt = "问题应该与你最后一轮的回复紧密相关，可以引发进一步的讨论。"
"""

CACHED = """\
# Every field that a cached prefix needs instead.
name = "Cached"
prompt_mode = "prefix"
prefix_prompt = \"\"\"
Rules that never change.
And more of them.
\"\"\"
dynamic_prompt = "Today: {{date}}"

[model]
model_id = "1706077826"
api_mode = "responses_api"

[model.parameters]
thinking_type = "enabled"
store = true
caching_expire_time = 259200
caching = { type = "enabled" }
"""
