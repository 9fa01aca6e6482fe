"""Scenario texts for the tests: words, not fixtures."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent, indent

from simulator.scenario.load import load_scenario_text
from simulator.scenario.model import Scenario

HERE = Path(__file__).parent

# CONTRACT section 4, with the poster's path written out.
CAMPAIGN_DAY = """\
scenario: campaign-day
about: First day of a spring campaign, with ads, posters and word of mouth.

app:
  appid: wx0123456789abcdef
  name: 春季会员店
  tenant: "740843171"
  pages: [pages/index/index, pages/product/detail, pages/cart/cart]
  events: [c_add_to_cart, c_submit_order]          # custom events registered in the system

definitions: {opens: launch, user: openid, day: Asia/Shanghai}

visitors:
  count: 2400
  returning: 25%                                    # already known to the collector
  identities: {applet-wechat: 100%, wechat-unionid: 70%, mobile: 30%, c_memberid: 10%}
  vars: {sku: [SKU-1001, SKU-1002]}

sources:
  wechat_ad: {weight: 50, scene: 1045, path: "pages/index/index?cl_sr=wechat_ad&cl_ctnm=spring"}
  poster:    {weight: 30, scene: 1047, code: p7, path: "pages/index/index?cl_sr=poster&cl_ctnm=地铁二号线人民广场站"}
  direct:    {weight: 20, scene: 1089}              # no parameters: the cell (none)

journeys:
  browse:
    weight: 60
    steps:
      - launch
      - view: pages/product/detail?id={sku}
        times: 1..5
        think: 3s..20s
      - exit
  buy:
    weight: 30
    steps:
      - launch
      - push: [applet-wechat, wechat-unionid]
      - view: pages/product/detail?id={sku}
      - track: {event: c_add_to_cart, id: "{sku}"}
      - hide: 45m                                   # destroyed meanwhile: the return is a second open
      - show: {scene: 1089}
      - maybe: 60%
        steps: [{view: pages/cart/cart}, {track: c_submit_order}]
      - exit
  wander_off: {weight: 10, steps: [launch, {view: pages/product/detail}, timeout]}

load:
  arrivals: [{rate: 20/s, for: 30s}, {rate: 20/s..100/s, for: 30s}]   # or  users: 50
  clock: {start: 2026-03-01T00:00:00+08:00, speed: 1440}              # a day in a minute
  abort: failed > 50% for 10s

expect:
  totals: exact                                     # or a tolerance by metric
  max_failed: 5%
  slo: [p95 < 200ms]
"""

# Everything that CONTRACT section 4 says a file must be able to say, in one place.
EVERYTHING = """\
scenario: everything
include: []
app:
  pages: [pages/a/a, pages/b/b]
  events: [c_x]
  identity_types: [customer_identity1]
  destroy: 5m
  view_on_return: false
definitions: {opens: timeout=30m, user: customer, day: UTC}
visitors:
  count: 10
  returning: 0.5%
  identities: {applet-wechat: 100%, wechat-unionid: 70%, mobile: 30%, customer_identity1: 10%}
  vars: {sku: [A, 7]}
  share_device: 3%
  second_device: 10%
  share_mobile: 1%
  device: {model: Pixel 9, screen: [400, 800], system: Android 15, network: 5g}
sources:
  ad: {weight: 5, scene: 1045, path: "pages/a/a?cl_sr=ad&cl_source1=x"}
  code: {scene: 1047, code: abc, path: "pages/a/a?cl_sr=poster"}
journeys:
  pushes:
    about: Together, separately, own values, and the mistake.
    weight: 3
    steps:
      - launch: ad
      - push: [applet-wechat, wechat-unionid, customer_identity1]
      - push: mobile
      - push: {identityType2: wechat-unionid}
      - push: {identityType3: mobile, identityValue3: "1390000{visitor}", level: gold, age: 7}
      - push: {identityType: wechat-unionid}
      - exit
  entries:
    steps:
      - launch:
      - {launch: , skew: 1}
  leaves: {steps: [launch, exit]}
load: {users: 2, each: 10m, spacing: even, timeouts: {connect: 1s, reply: 2s}, clock: {start: recent, speed: flood}}
expect: {totals: {pv: 1%, new_users: 0.25%}, max_failed: 0%, max_width: 2%, slo: [max <= 5s, failed < 1%]}
""".replace(
    "      - {launch: , skew: 1}\n",
    """\
        think: 1s
      - {view: pages/b/b, duplicates: 1, retries: 2, late: 1m..2m}
      - {back: , think: 1s}
      - hide: 1s
      - show: {path: "pages/b/b?cl_sr=card", scene: 1007}
      - hide: 299s..299.999s
      - show: code
      - hide: 10s
      - view: pages/a/a
      - back
      - kill: {after: 5s, unsent: 1}
      - wait: 1d
      - launch: {source: code, scene: 1011}
      - kill: 3s
      - launch: {path: pages/b/b}
      - {share: , think: 1s}
      - share: pages/a/a?from={name}
      - {tap: onBuy, times: 2, think: 1s}
      - track: {event: c_x, name: n, id: "{sku}", params: {a: 1.5, b: [x, null]}, form: positional, callback: true}
      - malformed: bad_date
      - skew: -3m..2h
      - {maybe: 50%, steps: [share]}
      - {repeat: 0..3, steps: [{view: pages/b/b}, back]}
      - choose: [{weight: 2, steps: []}, {steps: [tap: x]}]
      - {offline: 10m, steps: [view: pages/b/b]}
      - {disorder: 30s, steps: [{view: pages/b/b, times: 3}]}
      - timeout
""",
)


def scenario_of(
    *steps: str, app: str = "", visitors: str = "{count: 4}", sources: str = "{}", load: str = "{users: 2}"
) -> Scenario:
    """A scenario with one journey of these steps, each a line of YAML."""
    lines = "\n".join(f"- {step}" for step in steps)
    return load_scenario_text(_text(lines, app, visitors, sources, load), "sample.yaml", HERE)


def _text(steps: str, app: str, visitors: str, sources: str, load: str) -> str:
    head = dedent(
        f"""\
        scenario: sample
        app: {{pages: [pages/a/a, pages/b/b], {app}}}
        visitors: {visitors}
        sources: {sources}
        load: {load}
        journeys:
          walk:
            steps:
        """
    )
    return head + indent(steps, "      ") + "\n"
