"""The documents that the rules quote, by short names. What they say as numbers and tables is wechat.py and wire/."""

from __future__ import annotations

from typing import Final

from simulator.inspect.rule import Document

MONITORING: Final = Document(
    "DM Hub help centre, Mini program monitoring",
    "https://app.convertlab.com/hc/docs/en/guide/mini_program_monitor",
)
OPEN_API: Final = Document("DM Hub open API, customer events", "https://api-docs.convertlab.com/")
IDENTITY: Final = Document("DM Hub help centre, Identity", "https://app.convertlab.com/hc/docs/guide/identity")
NETWORK: Final = Document(
    "WeChat, Network", "https://developers.weixin.qq.com/miniprogram/dev/framework/ability/network.html"
)
RUNNING: Final = Document(
    "WeChat, Running mechanism",
    "https://developers.weixin.qq.com/miniprogram/dev/framework/runtime/operating-mechanism.html",
)
MODULES: Final = Document(
    "WeChat, require", "https://developers.weixin.qq.com/miniprogram/dev/reference/api/require.html"
)
CONFIGURATION: Final = Document(
    "WeChat, Global configuration", "https://developers.weixin.qq.com/miniprogram/dev/reference/configuration/app.html"
)
