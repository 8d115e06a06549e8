"""What `coze-bridge init` asks for the chat page: nothing but whether to have one."""

from bridge.platform import Interview

INTERVIEW = Interview(
    offer="a chat page on this machine",
    begin="in a browser on this machine, open the link that `coze-bridge run` prints",
    fixed={"access": "token"},
)
