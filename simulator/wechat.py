"""WeChat's tables and limits, and how a path is written: data with sources, no behaviour.

What a launch or a hide does is journey/lifecycle.py; what the vendor's tracker does with it is wire/.

Source: reference/wechat.md, sections 2 (closing, classes of scenes), 3 (scenes), 5 (codes and links); identity types
and event ids: reference/dmhub.md, sections 4.3 and 10.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Final
from urllib.parse import quote, unquote

from simulator.times import MINUTE, SECOND, Ms

# ---- limits -------------------------------------------------------------------------------------------------------

MAX_PATH_BYTES: Final = 128  # of a percent-encoded path that a code or an ad carries (method 1)
MAX_CODE_LENGTH: Final = 32  # characters of the `scene` of an unlimited code (method 2)
MAX_REQUESTS_AT_ONCE: Final = 10  # of wx.request, uploads and downloads together
SUSPEND_AFTER: Final = Ms(5 * SECOND)  # in the background; requests that are not finished then fail
DESTROY_AFTER: Final = Ms(30 * MINUTE)  # in the background; the older rule is 5 minutes
REPLY_TIMEOUT: Final = Ms(60 * SECOND)  # default and most of wx.request

# What `scene` of getwxacodeunlimit may consist of; no percent sign, so no Chinese either.
CODE_CHARACTERS: Final = frozenset("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ!#$&'()*+,/:;=?@-._~")

# ---- the vendor's words -------------------------------------------------------------------------------------------

MAX_EVENT_NAME: Final = 32  # characters; a longer one is a bad event
MAX_IDENTITY_TYPE: Final = 32
MAX_IDENTITY_VALUE: Final = 128
IDENTITY_SLOTS: Final = 3
CUSTOM_PREFIX: Final = "c_"  # of custom events and custom identity types
# An openid is `applet-wechat`; `wechat` is the openid of an official account.
IDENTITY_TYPES: Final = frozenset(
    {
        "applet-wechat",
        "wechat-unionid",
        "mobile",
        "wechat",
        "email",
        "membershipId",
        "taobao-account",
        "alipay-account",
        "alipay",
        "wechatcorp",
    }
)
# Of the identities that the help centre recommends, the highest first ("Mini program monitoring", 2.4.1).
IDENTITY_PRIORITY: Final = ("mobile", "wechat-unionid", "applet-wechat")
# Events that the tracker sends by itself, with what they count for.
TRACKER_EVENTS: Final = frozenset({"mini_program_open", "mini_program_view", "open_page"})

# ---- paths --------------------------------------------------------------------------------------------------------

_PATH_SAFE = "-_.!~*'()/?=&,"  # beside letters and digits
_ENCODED = re.compile(r"(%[0-9A-Fa-f]{2})")


def encode_path(path: str) -> str:
    """A path as it goes into a code or an ad: percent-encoded, but what is encoded already stays (`%41` is not `A`).

    Everything but letters, digits and ``-_.!~*'()/?=&,`` becomes the %XX of its UTF-8; so does a % without two
    hexadecimal digits behind it. Encoding twice is encoding once. Its length in bytes is its length in characters.

    Raises:
        UnicodeEncodeError: half of a surrogate pair, which no UTF-8 file contains.
    """
    return "".join(
        part if place % 2 else quote(part, safe=_PATH_SAFE) for place, part in enumerate(_ENCODED.split(path))
    )


def split_path(path: str) -> tuple[str, str]:
    """(route without leading slash, query without question mark), both still as they were written."""
    route, _, query = path.partition("?")
    return route.removeprefix("/"), query


def parameters(query: str) -> tuple[tuple[str, str], ...]:
    """The pairs of a query in their order, each value decoded once; a plus sign stays one."""
    pairs = (pair.partition("=") for pair in query.split("&") if pair)
    return tuple((key, unquote(value)) for key, _, value in pairs)


# ---- scenes -------------------------------------------------------------------------------------------------------

RETURN_SCENE: Final = 1089  # chat-list pull-down, recently used: class A
OTHER_SCENE: Final = 1000  # "other": class B

# A return by one of these keeps the former page stack; by any other (class B) the given path is opened.
CLASS_A_SCENES: Final = frozenset({1001, 1003, 1023, 1038, 1056, 1080, 1083, 1089, 1090, 1103, 1104, 1113, 1114, 1117})

# The official type definitions name these.
SCENES: Final = MappingProxyType(
    {
        1000: "other",
        1001: "Discover entry, recently used (since lib 2.2.4 incl. 'my mini programs')",
        1005: "top search on the chat tab, results",
        1006: "search inside the Discover mini-program entry",
        1007: "card in a single chat",
        1008: "card in a group chat",
        1010: "favourites",
        1011: "scan QR code",
        1012: "long-press QR code",
        1013: "QR code from album",
        1014: "subscription message (same as 1107)",
        1017: "entry page of the trial version",
        1019: "WeChat wallet (7.0.0+: pay entry)",
        1020: "official-account profile list (retired)",
        1022: "pinned in chat list (retired 6.6.1)",
        1023: "Android desktop icon",
        1024: "mini-program profile page",
        1025: "scan barcode",
        1026: "Discover entry, nearby",
        1027: "top search: used before",
        1028: "my card pack",
        1029: "card detail inside a mini program",
        1030: "opened by automated test",
        1031: "long-press barcode",
        1032: "barcode from album",
        1034: "WeChat Pay done page",
        1035: "official-account custom menu",
        1036: "app share card",
        1037: "opened by another mini program",
        1038: "return from another mini program",
        1039: "shake TV",
        1042: "add-friend search",
        1043: "official-account template message",
        1044: "share card with shareTicket",
        1045: "Moments ad",
        1046: "Moments ad detail",
        1047: "scan mini-program code",
        1048: "long-press mini-program code",
        1049: "mini-program code from album",
        1052: "stores of a coupon",
        1053: "Search-one-search results",
        1054: "top-search shortcut (retired 6.7.4)",
        1056: "music player menu on top of a chat",
        1057: "bank card detail in wallet",
        1058: "official-account article",
        1059: "trial version invitation page",
        1060: "pay done page (same as 1034)",
        1064: "Wi-Fi status bar on home",
        1065: "URL scheme",
        1067: "article ad",
        1068: "nearby list ad (retired)",
        1069: "mobile app via openSDK",
        1071: "bank card list in wallet",
        1072: "QR payment receiving page",
        1073: "customer-service card",
        1074: "official-account chat card",
        1077: "shake nearby",
        1078: "Wi-Fi connected page",
        1079: "WeChat game centre",
        1081: "customer-service text link",
        1082: "official-account chat text link",
        1084: "Moments ad native page",
        1088: "system message in a chat",
        1089: "chat-list pull-down, recently used (2.2.4+: incl. mine)",
        1090: "long-press capsule menu, recents",
        1091: "product card in article",
        1092: "city services",
        1095: "mini-program ad component",
        1096: "chat history",
        1097: "pay contract page",
        1099: "embedded plugin page",
        1100: "red-packet cover page",
        1101: "remote debug hot update (devtools auto preview)",
        1102: "official-account profile, service preview",
        1103: "Discover entry, 'mine' (retired 2.2.4)",
        1104: "chat-list pull-down, 'mine' (retired 2.2.4)",
        1106: "pull-down search results",
        1107: "subscription message",
        1113: "Android minus-one screen (Samsung)",
        1114: "Android side bar (Samsung)",
        1119: "WeCom workbench",
        1120: "WeCom profile page",
        1121: "WeCom chat plus menu",
        1124: "scan one-item-one-code",
        1125: "long-press one-item-one-code",
        1126: "one-item-one-code from album",
        1129: "WeChat crawler (exclude from metrics)",
        1131: "floating window (8.0+: passive only)",
        1133: "hardware device",
        1135: "profile page, related list",
        1144: "article video overlay",
        1145: "Discover: find mini programs",
        1146: "location info opens a travel mini program",
        1148: "card pack, transit card",
        1150: "scan result page of a product barcode",
        1151: "Discover: my orders",
        1152: "subscription-account video",
        1153: "object recognition result",
        1154: "Moments single-page mode",
        1155: "opened from single-page mode",
        1157: "service-account chat page",
        1158: "group tools",
        1160: "group to-do",
        1167: "H5 open tag",
        1168: "mobile app runs the mini program directly",
        1169: "Discover entry, life services",
        1171: "WeRun record (Android)",
        1173: "chat material opened with a mini program",
        1175: "Channels shop entry",
        1176: "Channels live host",
        1177: "Channels live product",
        1178: "mini program open on phone, opened on PC",
        1179: "# topic page",
        1181: "website opens PC mini program",
        1183: "PC panel, Discover, search",
        1184: "Channels link",
        1185: "group announcement",
        1186: "favourites note",
        1187: "floating window (8.0+)",
        1189: "emoji-rain ad",
        1191: "Channels event",
        1192: "WeCom contact profile",
        1193: "Channels home service menu",
        1194: "URL Link",
        1195: "Channels home product tab",
        1196: "personal status",
        1197: "host returns from live room to mini game",
        1198: "Channels start-live page opens mini game",
        1200: "Channels ad",
        1201: "Channels ad detail",
        1202: "WeCom customer-service card",
        1203: "WeChat's own load-test tool",
        1206: "Channels mini-game live room",
        1207: "WeCom customer-service text link",
        1208: "product card in a chat",
        1212: "youth-mode request page",
        1215: "ad appointment",
        1216: "Channels order centre",
        1223: "Android desktop widget",
        1228: "Channels native ad component",
        1231: "dynamic message reminder",
    }
)

# Retired, or without a label in the type definitions; only WeChat's own grouping by source has them.
UNLABELLED_SCENES: Final = frozenset(
    {
        1002, 1003, 1004, 1009, 1018, 1021, 1033, 1040, 1041, 1050, 1055, 1061, 1062, 1066, 1070, 1075,
        1076, 1080, 1083, 1085, 1093, 1094, 1098, 1105, 1108, 1109, 1110, 1111, 1112, 1115, 1117, 1118,
        1122, 1123, 1127, 1128, 1130, 1132, 1134, 1136, 1137, 1138, 1140, 1141, 1142, 1143, 1147, 1149,
        1156, 1159, 1161, 1162, 1163,
    }
)  # fmt: skip
