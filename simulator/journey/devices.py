"""Phones that look real: models with their window, system and user agent.

Source: wechat.md sections 2 and 6 of the project's references (forms of `wx.getSystemInfo` and of the user agent);
models and window sizes are public facts of the makers.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from simulator.events import Device
from simulator.rand import Stream, Weights
from simulator.scenario.model import PinnedDevice


@dataclass(frozen=True, slots=True)
class Phone:
    """A model on the market, with the weight by which visitors carry it."""

    model: str
    width: int
    height: int
    systems: tuple[str, ...]
    weight: int


PHONES = (
    Phone("iPhone 11<iPhone12,1>", 414, 808, ("iOS 15.7.9", "iOS 16.6.1", "iOS 17.4.1"), 9),
    Phone("iPhone 12<iPhone13,2>", 390, 753, ("iOS 16.6.1", "iOS 17.4.1"), 8),
    Phone("iPhone 13<iPhone14,5>", 390, 753, ("iOS 16.7.2", "iOS 17.4.1", "iOS 17.5.1"), 11),
    Phone("iPhone 14 Pro<iPhone15,2>", 393, 759, ("iOS 17.4.1", "iOS 17.6.1"), 6),
    Phone("iPhone 15<iPhone15,4>", 393, 759, ("iOS 17.6.1", "iOS 18.1"), 7),
    Phone("iPhone 15 Pro Max<iPhone16,2>", 430, 839, ("iOS 17.6.1", "iOS 18.1"), 6),
    Phone("ALN-AL00", 360, 690, ("HarmonyOS 4.2.0", "Android 12"), 8),
    Phone("NOH-AN00", 384, 744, ("HarmonyOS 4.0.0", "Android 12"), 6),
    Phone("2211133C", 393, 777, ("Android 14", "Android 13"), 7),
    Phone("23013RK75C", 393, 778, ("Android 14", "Android 13"), 7),
    Phone("V2241A", 360, 711, ("Android 14", "Android 13"), 6),
    Phone("V2301A", 360, 713, ("Android 13",), 5),
    Phone("PHB110", 360, 716, ("Android 14", "Android 13"), 6),
    Phone("PGEM10", 360, 708, ("Android 13", "Android 12"), 4),
    Phone("MAA-AN10", 360, 709, ("Android 14",), 5),
    Phone("SM-S9180", 384, 727, ("Android 14",), 2),
)
NETWORKS = (("wifi", 58), ("5g", 24), ("4g", 17), ("3g", 1))
WECHAT_VERSIONS = (("8.0.49", "0x18003131"), ("8.0.50", "0x18003237"), ("8.0.53", "0x18003530"))

_PHONE_WEIGHTS = Weights([phone.weight for phone in PHONES])
_NETWORK_WEIGHTS = Weights([weight for _, weight in NETWORKS])


def draw_device(anonymous_id: str, stream: Stream, pinned: PinnedDevice | None) -> Device:
    """One device: the scenario's own, or drawn from the market."""
    if pinned is not None:
        agent = user_agent(pinned.model, pinned.system, pinned.network, 0)
        width, height = pinned.screen
        return Device(anonymous_id, pinned.model, width, height, pinned.system, pinned.network, agent)
    phone = PHONES[stream.pick(_PHONE_WEIGHTS)]
    system = phone.systems[stream.below(len(phone.systems))]
    network = NETWORKS[stream.pick(_NETWORK_WEIGHTS)][0]
    agent = user_agent(phone.model, system, network, stream.below(len(WECHAT_VERSIONS)))
    return Device(anonymous_id, phone.model, phone.width, phone.height, system, network, agent)


@lru_cache(maxsize=1024)
def user_agent(model: str, system: str, network: str, version: int) -> str:
    """The user agent that WeChat sends from this phone."""
    wechat, build = WECHAT_VERSIONS[version]
    name, _, release = system.partition(" ")
    net = {"wifi": "WIFI"}.get(network, network.upper())
    if name == "iOS":
        return (
            f"Mozilla/5.0 (iPhone; CPU iPhone OS {release.replace('.', '_')} like Mac OS X) "
            f"AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 MicroMessenger/{wechat}({build}) "
            f"NetType/{net} Language/zh_CN"
        )
    # HarmonyOS phones of this generation present themselves as Android.
    android = release if name == "Android" else "12"
    return (
        f"Mozilla/5.0 (Linux; Android {android}; {model} Build/HUAWEI; wv) AppleWebKit/537.36 "
        f"(KHTML, like Gecko) Version/4.0 Chrome/116.0.0.0 Mobile Safari/537.36 XWEB/1160117 "
        f"MMWEBSDK/20240404 MicroMessenger/{wechat}.2600({build.replace('0x18', '0x28')}) WeChat/arm64 Weixin "
        f"NetType/{net} Language/zh_CN ABI/arm64 MiniProgramEnv/android"
    )
