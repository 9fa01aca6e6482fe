"""The eight recorded requests of the vendor's 2018 tracker, from a scenario of that journey (dmhub.md section 5)."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote

from simulator.journey.plan import visits
from simulator.ledger.manifest import Options
from simulator.scenario.load import load_scenario_text
from simulator.traffic.opened import adapter_of
from simulator.traffic.sending import requests_of_visits
from tests.builders import plan

SCENARIO = """
scenario: recorded
app:
  appid: wx1234567890abcdef
  name: 测试小程序
  tenant: "740843171"
  pages: [pages/home/home, pages/product/detail, pages/cart/cart]
  events: [c_add_to_cart, c_submit_order]
visitors:
  count: 1
  device: {model: "iPhone 13<iPhone14,5>", screen: [390, 753], system: iOS 17.4.1, network: wifi}
journeys:
  recorded:
    steps:
      - launch:
          scene: 1047
          path: pages/home/home?utm_source=wechat_moments&utm_campaign=spring&channel=qr01
        think: 1.5s
      - push:
          identityType: wechat
          identityValue: oTEST_openid_0001
          identityType2: wechat-unionid
          identityValue2: uTEST_unionid_0001
          identityType3: mobile
          identityValue3: "13800000000"
        think: 0.3s
      - {view: "pages/product/detail?id=SKU-1001&from=home", think: 1.5s}
      - track:
          event: c_add_to_cart
          params: {product_id: SKU-1001, product_name: 经典款咖啡杯 12oz, price: 129.5, quantity: 2}
        think: 0.2s
      - {share: , think: 0.2s}
      - {view: pages/cart/cart, think: 1.5s}
      - track:
          event: c_submit_order
          params: {order_id: NO20260801-0001, amount: 259, currency: CNY, coupon: ""}
        think: 0.3s
      - hide: 35.5s
      - {show: {scene: 1089}, think: 1.5s}
      - {back: , think: 1.5s}
      - exit
load: {users: 1, each: 1ms, clock: {start: "2026-11-23T22:42:48.250+08:00", speed: flood}}
"""

JAVASCRIPT_SAFE = "!~*'()"
VECTORS = Path(__file__).parent.parent / "wire" / "vectors" / "dmhub-2018.json"


def test_the_scenario_sends_the_recorded_requests_byte_for_byte() -> None:
    scenario = load_scenario_text(SCENARIO, "recorded.yaml", Path())
    adapter = adapter_of("dmhub-2018", "/cbe/__utm", scenario, "", Options())
    sent = requests_of_visits(list(visits(plan(scenario))), adapter)[0]

    assert [(request.method, request.target) for request in sent] == [("GET", target) for target in recorded()]


def recorded() -> list[str]:
    """The eight request targets, percent-encoded as JavaScript's encodeURIComponent does."""
    facts = json.loads(VECTORS.read_text(encoding="utf-8"))
    targets = []
    for request in facts["requests"]:
        identity = facts["identity"] if request["identified"] else []
        tail = [["tenantId", facts["tenantId"]], ["event", request["event"]], ["utma", request["utma"]]]
        pairs = [*facts["common"], *identity, *request["props"], *tail]
        query = "&".join(f"{key}={quote(value, safe=JAVASCRIPT_SAFE)}" for key, value in pairs)
        targets.append(f"{facts['path']}?{query}")
    return targets
